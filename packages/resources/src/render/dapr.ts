// Dapr of a function: its components, and the proxy that has the sidecar in its place.
import type { KubernetesObject } from '@ofn/keda/objects';
import { ownComponents } from '../context/components.ts';
import { daprOf } from '../context/dapr.ts';
import { renderContexts } from '../context/function-context.ts';
import { toObjectName, toVersionPart } from '../context/names.ts';
import { portOf, type Serving } from '../context/serving.ts';
import { metadataOf } from './metadata.ts';
import { portEntry } from './workload.ts';

/** A Component, whose scopes stand beside its spec. */
export interface DaprComponent extends KubernetesObject {
  readonly scopes: readonly string[];
}

/** The components that come with the function, for it alone. */
export function toComponents(serving: Serving): readonly DaprComponent[] {
  const { appId } = daprOf(serving);
  return ownComponents(serving).map(({ name, spec }) => ({
    apiVersion: 'dapr.io/v1alpha1',
    kind: 'Component',
    metadata: metadataOf(serving, name),
    spec,
    scopes: [appId],
  }));
}

/** The proxy: a sidecar that stays while the function is scaled to zero. */
export function toDaprProxy(serving: Serving): KubernetesObject {
  const { annotations, protocol } = daprOf(serving);
  const port = portOf(serving);
  const { FUNC_CONTEXT, FUNC_CONTEXT_V1BETA2 } = renderContexts(serving);
  const name = toObjectName(serving.name, 'proxy', 'deployment', toVersionPart(serving.version));
  // Not the label of the serving: Services of the function must not lead to its proxy.
  const podLabels = {
    ...serving.spec.labels,
    'openfunction.io/managed': 'true',
    'openfunction.io/proxy': serving.name,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(serving, name),
    spec: {
      replicas: 1,
      selector: { matchLabels: { 'openfunction.io/proxy': serving.name } },
      template: {
        metadata: {
          annotations: {
            'dapr.io/sidecar-listen-addresses': '[::],0.0.0.0',
            ...annotations,
            'dapr.io/enabled': 'true',
          },
          labels: podLabels,
        },
        spec: {
          containers: [
            {
              name: 'dapr-proxy',
              image:
                serving.globalConfig['openfunction.dapr-proxy.image'] ??
                'openfunction/dapr-proxy:v0.1.0',
              imagePullPolicy: 'IfNotPresent',
              ports: [portEntry(port)],
              env: [
                { name: 'APP_PROTOCOL', value: protocol },
                { name: 'FUNC_CONTEXT', value: FUNC_CONTEXT },
                { name: 'FUNC_CONTEXT_V1BETA2', value: FUNC_CONTEXT_V1BETA2 },
                {
                  name: 'POD_NAME',
                  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } },
                },
                { name: 'POD_NAMESPACE', value: serving.namespace },
              ],
            },
          ],
        },
      },
    },
  };
}
