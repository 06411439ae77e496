/* 730-federated-server.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.federated_summary_rows(bytea) IS 'rows that the summary of a client covers';
COMMENT ON FUNCTION healthml.federated_open(text, interval) IS
'the untrained model of a federation, for which every client has reported its version and the summary of its rows';

/* No foreign keys. */
ALTER TABLE healthml.federation_client DROP CONSTRAINT federation_client_federation_fkey;
ALTER TABLE healthml.federation_round DROP CONSTRAINT federation_round_federation_fkey;
ALTER TABLE healthml.federation_update DROP CONSTRAINT federation_update_federation_fkey;
CREATE TRIGGER delete_clients AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_client', 'federation');
CREATE TRIGGER delete_rounds AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_round', 'federation');
CREATE TRIGGER delete_updates AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_update', 'federation');
