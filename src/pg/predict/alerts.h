/*
 * alerts.h
 *	  Alerts of the present transaction.
 */
#ifndef HEALTHML_ALERTS_H
#define HEALTHML_ALERTS_H

/* Notify channel healthml_alerts when the transaction commits; a copy of 'payload' is kept until then. */
extern void healthml_alert(const char *payload);

extern void healthml_alerts_init(void);

#endif /* HEALTHML_ALERTS_H */
