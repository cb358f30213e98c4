// The environment as the address of the Dapr sidecar: where its HTTP and its gRPC API are.
import { OfnError } from '../errors.ts';
import type { Environment } from '../options.ts';

/** Where the sidecar is. */
export interface SidecarAddress {
  /** Base URL of its HTTP API, such as `http://127.0.0.1:3500`. */
  readonly http: string;
  /** Target of its gRPC API, as gRPC clients take it: `127.0.0.1:50001`, or DAPR_GRPC_ENDPOINT. */
  readonly grpc: string;
  /** What the sidecar asks for in the `dapr-api-token` header. */
  readonly apiToken: string | undefined;
}

/**
 * Parses the address: DAPR_HTTP_ENDPOINT and DAPR_GRPC_ENDPOINT, as Dapr's SDKs read them; else
 * DAPR_HOST, else DAPR_SIDECAR_IP, which OpenFunction sets when the sidecar is in another pod; else
 * loopback. Host names go with DAPR_HTTP_PORT (3500) and DAPR_GRPC_PORT (50001).
 *
 * @throws OfnError `OFN_OPTION_INVALID`, naming the variable.
 * @example
 * parseSidecarAddress({ DAPR_HOST: 'sidecar.ns.svc' }).http; // http://sidecar.ns.svc:3500
 */
export function parseSidecarAddress(env: Environment): SidecarAddress {
  const host = ['DAPR_HOST', 'DAPR_SIDECAR_IP'].find((name) => given(env, name) !== undefined);
  const address = host === undefined ? '127.0.0.1' : parseHost(host, given(env, host) ?? '');
  const httpPort = parsePort(env, 'DAPR_HTTP_PORT', 3500);
  const grpcPort = parsePort(env, 'DAPR_GRPC_PORT', 50_001);
  const httpEndpoint = given(env, 'DAPR_HTTP_ENDPOINT');
  const grpcEndpoint = given(env, 'DAPR_GRPC_ENDPOINT');
  return Object.freeze({
    http: httpEndpoint === undefined ? `http://${address}:${httpPort}` : parseHttp(httpEndpoint),
    grpc: grpcEndpoint === undefined ? `${address}:${grpcPort}` : parseGrpc(grpcEndpoint),
    apiToken: given(env, 'DAPR_API_TOKEN'),
  });
}

function given(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === undefined || text === '' ? undefined : text;
}

function invalid(name: string, text: string, expected: string): OfnError {
  // It may hold a password.
  const shown = text.replace(/\/\/[^/]*@/, '//…@');
  return new OfnError('OFN_OPTION_INVALID', `${name} must be ${expected}, not "${shown}"`);
}

function parsePort(env: Environment, name: string, fallback: number): number {
  const text = given(env, name);
  if (text === undefined) return fallback;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port > 0 && port <= 65_535) return port;
  throw invalid(name, text, 'a port from 1 to 65535');
}

function parseHost(name: string, text: string): string {
  const host = /^(?!\[).*:.*:/.test(text) ? `[${text}]` : text;
  const url = parseUrl(`http://${host}`);
  // Anything that is more than a host: a port, a path, a user.
  if (url !== undefined && url.href === `http://${url.hostname}/`) return url.hostname;
  throw invalid(name, text, 'a host name or an IP address, without scheme and port');
}

function parseHttp(text: string): string {
  const url = parseUrl(withScheme(text, 'http'));
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === undefined || !isHttp || url.username !== '') {
    throw invalid('DAPR_HTTP_ENDPOINT', text, 'a URL such as http://127.0.0.1:3500');
  }
  // As the SDKs do: the scheme's own port when none is given, and no path.
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return `${url.protocol}//${url.hostname}:${port}`;
}

const GRPC_SCHEMES = ['dns', 'unix', 'unix-abstract', 'vsock', 'http', 'https', 'grpc', 'grpcs'];

function parseGrpc(text: string): string {
  const scheme = /^([a-z-]+):(?!\d)/i.exec(text)?.[1]?.toLowerCase();
  const known = scheme === undefined || GRPC_SCHEMES.includes(scheme) || !text.includes('://');
  const isTarget = known && !/\s/.test(text) && parseUrl(withScheme(text, 'grpc')) !== undefined;
  if (!isTarget) {
    const expected = `an endpoint such as 127.0.0.1:50001, or of ${GRPC_SCHEMES.join(', ')}`;
    throw invalid('DAPR_GRPC_ENDPOINT', text, expected);
  }
  return text.startsWith(':') ? `localhost${text}` : text;
}

function withScheme(text: string, scheme: string): string {
  if (text.startsWith(':')) return `${scheme}://localhost${text}`;
  return text.includes('://') ? text : `${scheme}://${text}`;
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
