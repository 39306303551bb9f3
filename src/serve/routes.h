/* routes: what is done for each path. */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include <microhttpd.h>

#include "serve/http_service.h"

/* Answer a request whose body is complete, or hand it to the queue and suspend
 * its connection. */
enum MHD_Result routes_run(struct http_request *request);

/* Send the reply to a request that the queue is done with. */
enum MHD_Result routes_send_reply(struct http_request *request);

/* Answer predict_jobs in the order of the queue; service is a struct
 * http_service: the run of its queue. */
void routes_run_jobs(void *service, struct batch_job *jobs[], size_t count,
		     bool alone);

#endif
