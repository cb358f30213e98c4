// The public names, one by one.
export { KedaError, type KedaErrorCode, type KedaIssue } from './errors.ts';
export type { ProfileName } from './profile.ts';
export type { Count, Counts } from './interceptor/counts.ts';
export type { Route } from './routing/route.ts';
export type { ScalingOptions } from './scaler/options.ts';
