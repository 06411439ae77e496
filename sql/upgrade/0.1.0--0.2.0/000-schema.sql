/* 000-schema.sql: from 0.1.0 to 0.2.0, one file for each area that changed. */
