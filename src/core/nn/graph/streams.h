/*
 * streams.h
 *	  Streams of random numbers under one seed: each purpose has its own, so that
 *	  changing how many numbers one of them draws leaves the others as they were.
 */
#ifndef HML_NN_GRAPH_STREAMS_H
#define HML_NN_GRAPH_STREAMS_H

enum
{
	HML_STREAM_WEIGHTS = 1, /* initial weights */
	HML_STREAM_ORDER = 2,   /* order of the rows in an epoch */
	HML_STREAM_DROPOUT = 3,
	HML_STREAM_DATA = 4 /* augmentation, by the data's owner */
};

#endif /* HML_NN_GRAPH_STREAMS_H */
