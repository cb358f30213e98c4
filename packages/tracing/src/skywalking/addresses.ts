// SW_AGENT_COLLECTOR_BACKEND_SERVICES becomes a list of collectors as `host:port`.
import { isIPv6 } from 'node:net';

/** What a list of collectors says. */
export interface Addresses {
  /** `host:port` each, in the order given; an IPv6 address is in brackets. */
  readonly addresses: readonly string[];
  /** Entries that are no address, as they were given. */
  readonly rejected: readonly string[];
}

const DEFAULT_PORT = 11800;
// How users of the agent, which takes one target only, name several: `ipv4:10.0.0.1:11800,10.0.0.2:11800`.
const TARGET_SCHEME = /^(?:ipv4:|ipv6:|dns:(?:\/\/\/)?)(?=.+:\d+$)/;
const ENTRY = /^(?<host>[\w.-]+|\[[^\]]+\])(?::(?<port>\d+))?$/;

/**
 * Parses a comma-separated list of collectors. An entry without a port has 11800.
 *
 * @example
 * parseAddresses('oap:11800, [::1]'); // { addresses: ['oap:11800', '[::1]:11800'], rejected: [] }
 */
export function parseAddresses(text: string): Addresses {
  const addresses = new Set<string>();
  const rejected: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue;
    const address = toAddress(entry);
    if (address === undefined) rejected.push(entry);
    else addresses.add(address);
  }
  return { addresses: [...addresses], rejected };
}

function toAddress(entry: string): string | undefined {
  if (isIPv6(entry)) return `[${entry}]:${DEFAULT_PORT}`;
  const { host, port = DEFAULT_PORT } = ENTRY.exec(entry.replace(TARGET_SCHEME, ''))?.groups ?? {};
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  if (host.startsWith('[') && !isIPv6(host.slice(1, -1))) return undefined;
  return `${host}:${Number(port)}`;
}
