// The W3C trace header of what has no trace.

/** What daprd sends when it traces nothing: zeros, which is not a valid trace. */
export const NO_TRACE = `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`;
