// Services: the one in front of a function's pods, and the one by which others call the function.
import type { KubernetesObject } from '@ofn/keda/objects';
import { daprOf } from '../context/dapr.ts';
import { toObjectName, toVersionPart } from '../context/names.ts';
import { portOf, type Serving } from '../context/serving.ts';
import { SERVING_LABEL, metadataOf } from './metadata.ts';
import type { RenderSettings } from './options.ts';

/** The name of the Service in front of the pods. */
export function podServiceNameOf(serving: Serving): string {
  return toObjectName(serving.name, 'service', toVersionPart(serving.version));
}

/** The Service in front of the pods, at port 80. */
export function toPodService(serving: Serving): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(serving, podServiceNameOf(serving)),
    spec: {
      selector: { [SERVING_LABEL]: serving.name },
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: portOf(serving) }],
    },
  };
}

/** By the name of an HTTP function, the gateway, whose routes know the way from there. */
export function toGatewayService(serving: Serving, { gateway }: RenderSettings): KubernetesObject {
  const gatewayNamespace = serving.spec.triggers.http?.route.gatewayRef.namespace ?? 'openfunction';
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(serving, serving.functionName),
    spec: {
      type: 'ExternalName',
      externalName: `gateway.${gatewayNamespace}.svc.${gateway.clusterDomain}`,
      ports: [{ name: 'ofn-http-internal', protocol: 'TCP', port: 80, targetPort: 80 }],
    },
  };
}

/** By the name of an async function, its pods, which its Dapr proxy or its StatefulSet asks for. */
export function toAsyncService(serving: Serving): KubernetesObject {
  const port = portOf(serving);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(serving, serving.functionName),
    spec: {
      // Over gRPC, a connection has to know the pods to spread its calls over them.
      ...(daprOf(serving).protocol === 'http' ? {} : { clusterIP: 'None' }),
      selector: { [SERVING_LABEL]: serving.name },
      ports: [{ name: 'http', protocol: 'TCP', port, targetPort: port }],
    },
  };
}
