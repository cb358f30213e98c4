// The name of the tracer that makes the framework's own spans.

/** Spans of this tracer are calls of functions, and what they send to through Dapr. */
export const SCOPE = '@ofn/core';
