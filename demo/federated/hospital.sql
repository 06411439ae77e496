\echo
\echo '== At each hospital'
\echo '|  One role for the coordinator, which may use one schema, and one registered source. That is all.'
\echo '|  Every fourth patient is kept away from training, to judge with.'
\echo
CREATE ROLE healthml_coordinator LOGIN;
GRANT USAGE ON SCHEMA healthml TO healthml_coordinator;
SELECT federated_join('heart', 'SELECT * FROM patients WHERE patient_id % 4 <> 0', 'heart_disease');

\echo '|  What that role reads of the patients:'
SET ROLE healthml_coordinator;
\set ON_ERROR_STOP off
SELECT * FROM patients;
\set ON_ERROR_STOP on
SELECT federated_client_hello('heart') AS version, octet_length(federated_client_summary('heart', '{age,chol}')) AS bytes_of_summary;
RESET ROLE;

\set ECHO none
SELECT federated_join('heart ' || strategy, 'SELECT * FROM patients WHERE patient_id % 4 <> 0', 'heart_disease')
FROM unnest('{fedprox,fedyogi,fedmedian,fed_trimmed_mean,masked,private}'::text[]) AS strategy \g /dev/null
