// Time is an argument everywhere; this is its type.

/** Milliseconds since the Unix epoch. */
export type Clock = () => number;
