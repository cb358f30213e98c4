// A request of Dapr's API as the exit target that its span names.
import type { ExitTarget } from '../invocation/trace.ts';

const PATH = /^\/v1\.0[^/]*\/([^?]*)/;

/**
 * The target of a request that is made with Dapr's client, such as `invoke shop/orders` of the app
 * `shop`, or `get secrets/vault`. Keys and queries stay out of its name: they are data.
 */
export function toSidecarTarget(method: string, path: string): ExitTarget {
  const [api = '', ...below] = (PATH.exec(path)?.[1] ?? '').split('/');
  const [component = '', ...rest] =
    api === 'publish' && below[0] === 'bulk' ? below.slice(1) : below;
  // `invoke/<app>/method/<name of the method>`
  const operation =
    api === 'invoke'
      ? `invoke ${component}/${rest.slice(1).join('/')}`
      : `${method.toLowerCase()} ${component === '' ? api : `${api}/${component}`}`;
  const peer = component === '' ? 'dapr' : component;
  return { kind: 'sidecar', operation, peer, componentType: undefined };
}
