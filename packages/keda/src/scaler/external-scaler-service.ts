// KEDA's interface to scalers outside of it, as what grpc-js serves.
// https://keda.sh/docs/latest/concepts/external-scalers/
import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** What a request is about. */
export interface ScaledObjectRef {
  readonly name: string;
  readonly namespace: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

/** Asks for metrics; all of them with an empty name. */
export interface GetMetricsRequest {
  readonly scaledObjectRef: ScaledObjectRef | null;
  readonly metricName: string;
}

/** A metric and its target for one replica; one of the two numbers is 0. */
export interface MetricSpec {
  readonly metricName: string;
  readonly targetSize: number;
  readonly targetSizeFloat: number;
}

/** A metric and its value now; one of the two numbers is 0. */
export interface MetricValue {
  readonly metricName: string;
  readonly metricValue: number;
  readonly metricValueFloat: number;
}

const field = (type: string, id: number) => ({ type, id });
const list = (type: string, id: number) => ({ rule: 'repeated', type, id });
const texts = (id: number) => ({ keyType: 'string', type: 'string', id });
const method = (requestType: string, responseType: string, responseStream = false) => ({
  requestType,
  responseType,
  responseStream,
  comment: '',
});

const DEFINITION = fromJSON(
  {
    nested: {
      externalscaler: {
        nested: {
          ExternalScaler: {
            methods: {
              IsActive: method('ScaledObjectRef', 'IsActiveResponse'),
              StreamIsActive: method('ScaledObjectRef', 'IsActiveResponse', true),
              GetMetricSpec: method('ScaledObjectRef', 'GetMetricSpecResponse'),
              GetMetrics: method('GetMetricsRequest', 'GetMetricsResponse'),
            },
          },
          ScaledObjectRef: {
            fields: {
              name: field('string', 1),
              namespace: field('string', 2),
              scalerMetadata: texts(3),
            },
          },
          IsActiveResponse: { fields: { result: field('bool', 1) } },
          GetMetricSpecResponse: { fields: { metricSpecs: list('MetricSpec', 1) } },
          MetricSpec: {
            fields: {
              metricName: field('string', 1),
              targetSize: field('int64', 2),
              targetSizeFloat: field('double', 3),
            },
          },
          GetMetricsRequest: {
            fields: {
              scaledObjectRef: field('ScaledObjectRef', 1),
              metricName: field('string', 2),
            },
          },
          GetMetricsResponse: { fields: { metricValues: list('MetricValue', 1) } },
          MetricValue: {
            fields: {
              metricName: field('string', 1),
              metricValue: field('int64', 2),
              metricValueFloat: field('double', 3),
            },
          },
        },
      },
    },
  },
  { keepCase: true, longs: Number, defaults: true, objects: true, arrays: true },
);

/** The service, by the names of its methods. */
export const EXTERNAL_SCALER: ServiceDefinition = Object.fromEntries(
  Object.entries(DEFINITION['externalscaler.ExternalScaler'] ?? {}),
);
