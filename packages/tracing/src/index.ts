// The public names of @ofn/tracing.
export { createTracing } from './tracing.ts';
