\echo
\echo '== At the coordinator'
\echo '|  A foreign server and a user mapping for each hospital, made beforehand, and a federation of them.'
\echo
SELECT srvname, srvoptions FROM pg_foreign_server ORDER BY srvname;
SELECT federated_create('heart',
    features => '{age,sex,cp,trestbps,chol,fbs,restecg,thalach,exang,oldpeak,slope,ca,thal}',
    params => '{"hidden_layers": [16], "dropout": 0, "seed": 1}');
SELECT federated_add_client('heart', srvname, srvname) FROM pg_foreign_server;

\echo '|  Twenty rounds. In each, all hospitals train at the same time, on their own servers, and send back weights.'
\echo
SELECT round, clients, samples, round(loss::numeric, 3) AS loss, round(accuracy::numeric, 3) AS accuracy,
    round(roc_auc::numeric, 3) AS roc_auc, date_trunc('milliseconds', duration) AS duration
FROM federated_run('heart', rounds => 20, local_epochs => 3, learning_rate => 0.005);

\echo '|  The round with the smallest loss on patients that the hospitals hold back is now the champion, a model'
\echo '|  version as any other.'
\echo
SELECT model, version, aliases, trained_rows, trained_on FROM versions WHERE model = 'heart' AND 'champion' = ANY (aliases);
\echo '|  Hospitals compared, in that round:'
\echo
SELECT client, samples, round(norm::numeric, 3) AS norm, round(training_loss::numeric, 3) AS training_loss, round(loss::numeric, 3) AS loss,
    round(accuracy::numeric, 3) AS accuracy, round(roc_auc::numeric, 3) AS roc_auc
FROM federated_client_metrics JOIN versions ON model = federation AND version = round
WHERE federation = 'heart' AND 'champion' = ANY (aliases) ORDER BY client;
