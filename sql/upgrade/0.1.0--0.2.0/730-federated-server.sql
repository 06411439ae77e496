/* 730-federated-server.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.federated_summary_rows(bytea) IS 'rows that the summary of a client covers';
COMMENT ON FUNCTION healthml.federated_open(text, interval) IS
'the untrained model of a federation, for which every client has reported its version and the summary of its rows';
