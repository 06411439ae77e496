/* 010-registry.sql: changes since 0.1.0. */

COMMENT ON TABLE healthml.alias_history IS
'every change of an alias; outlives the model, so that it is known what was live at any time';
