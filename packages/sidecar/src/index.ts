// The public names, one by one.
export {
  createNetwork,
  type Network,
  type NetworkComponent,
  type NetworkOptions,
} from './network.ts';
export type { PublishOptions } from './payload.ts';
export {
  createSidecar,
  type Sidecar,
  type SidecarOptions,
  type SubscriptionSpec,
} from './sidecar.ts';
export { createVirtualClock, type Clock, type VirtualClock } from './clock.ts';
export type { Component, Engine, SubscriptionInfo } from './contract.ts';
export { SidecarError } from './errors.ts';
export type { Journal, JournalEntry, JournalOutcome } from './journal.ts';
export type { HealthCheck } from './app/health.ts';
export type { ResiliencySpec } from './resiliency.ts';
export type { ComponentInput } from './resources/load.ts';
