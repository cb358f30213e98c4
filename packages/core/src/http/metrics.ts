// Prometheus metrics of the calls, named after OpenTelemetry's conventions for functions.
// https://opentelemetry.io/docs/specs/semconv/faas/faas-metrics/
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { DeliveryObserver } from '../dapr/delivery.ts';
import type { FunctionDefinition } from '../function/signature.ts';
import type { ExchangeObserver } from './exchange.ts';

/** Metrics, and the exchange observer that feeds them. */
export interface Metrics {
  readonly observer: ExchangeObserver & DeliveryObserver;
  readonly contentType: string;
  /** The functions are ready to be called. */
  ready(secondsSinceStart: number): void;
  /** A call has sent no headers yet, and its interceptor is about to give up. */
  late(definition: FunctionDefinition): void;
  /** The text Prometheus scrapes. */
  render(): Promise<string>;
}

// Seconds; from a call that only computes to one that waits for a slow service.
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Creates the metrics of one runtime, in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'faas_invoke_duration_seconds',
    help: 'Time from the request to the end of its response, or from the event to its acknowledgement.',
    labelNames: ['function', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const errors = new Counter({
    name: 'faas_errors_total',
    help: 'Calls answered with a status of 500 or above, time-outs excepted, and events to be retried.',
    labelNames: ['function'],
    registers,
  });
  const timeouts = new Counter({
    name: 'faas_timeouts_total',
    help: 'Calls that did not answer within the time limit.',
    labelNames: ['function'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'faas_in_flight',
    help: 'Calls that are being answered now.',
    labelNames: ['function'],
    registers,
  });
  const invocations = new Counter({
    name: 'faas_invocations_total',
    help: 'Calls that have begun, whatever came of them.',
    labelNames: ['function'],
    registers,
  });
  const coldStarts = new Counter({
    name: 'faas_coldstarts_total',
    help: 'Calls that were the first of this instance: one at most.',
    labelNames: ['function'],
    registers,
  });
  const firstCall = new Gauge({
    name: 'faas_first_call_timestamp_seconds',
    help: 'When the first call of this instance began, in seconds since 1970.',
    labelNames: ['function'],
    registers,
  });
  const lateHeaders = new Counter({
    name: 'faas_late_headers_total',
    help: "Calls without response headers after 80 % of the interceptor's time limit for them.",
    labelNames: ['function'],
    registers,
  });
  // Made when it is known: a gauge without labels says 0 before.
  let initDuration: Gauge | undefined;
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    ready(secondsSinceStart) {
      initDuration ??= new Gauge({
        name: 'faas_init_duration_seconds',
        help: 'Time from the start of the process until its functions could be called.',
        registers,
      });
      initDuration.set(secondsSinceStart);
    },
    late: ({ name }) => lateHeaders.inc({ function: name }),
    observer: {
      began({ name }, isColdStart) {
        inFlight.inc({ function: name });
        invocations.inc({ function: name });
        if (!isColdStart) return;
        coldStarts.inc({ function: name });
        firstCall.set({ function: name }, Date.now() / 1000);
      },
      ended({ name }, outcome, seconds) {
        inFlight.dec({ function: name });
        const status = String(outcome).toLowerCase();
        duration.observe({ function: name, status }, seconds);
        if (outcome === 504) timeouts.inc({ function: name });
        else if (outcome === 'RETRY' || Number(outcome) >= 500) errors.inc({ function: name });
      },
    },
  };
}
