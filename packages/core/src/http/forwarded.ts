// The protocol and the host that the caller used, by what trusted proxies say: Express's rules, without
// loading Express.
import type { Application } from './application.ts';
import type { FunctionRequest } from './request.ts';

/** What a caller is known to have used; `undefined` for a host that nothing says. */
export interface CallerAddress {
  /** `http` or `https`, or whatever a proxy says. */
  readonly protocol: string;
  /** With its port, if it has one. */
  readonly host: string | undefined;
}

/** The caller's protocol and host. Neither is checked. */
export function callerAddress(request: FunctionRequest, application: Application): CallerAddress {
  const { headers, originalUrl, socket } = request;
  const trusts = application.get('trust proxy fn') as (
    address: string | undefined,
    hop: number,
  ) => boolean;
  const isTrusted = trusts(socket.remoteAddress, 0);
  const forwarded = (name: string): string | undefined =>
    isTrusted ? firstOf(headers[name]) : undefined;
  const own = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
  return {
    protocol: forwarded('x-forwarded-proto') ?? own,
    host: forwarded('x-forwarded-host') ?? targetHost(originalUrl) ?? (headers.host || undefined),
  };
}

// With a target in absolute form the Host header does not count (RFC 9112, 3.2.2).
function targetHost(target: string): string | undefined {
  return target.startsWith('/') || !URL.canParse(target) ? undefined : new URL(target).host;
}

// A chain of proxies lists its values; the first is what the caller used.
function firstOf(header: string | string[] | undefined): string | undefined {
  return header?.toString().split(',', 1)[0]?.trim() || undefined;
}
