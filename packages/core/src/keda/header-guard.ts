// Watches for calls whose response headers are about to come too late for the interceptor: one warning
// each, and, when that is wanted, headers sent early.
import type { Exchange, ExchangeTracker } from '../http/exchange.ts';
import type { KedaAdapter } from './adapter.ts';

/** Watches the calls of a server. */
export interface HeaderGuard {
  /** Calls are open: they are looked at, again and again, until none is. */
  watch(): void;
  stop(): void;
}

// How often within the limit all open calls are looked at, so that a call needs no timer of its own, and
// the part of the limit after which one is warned of.
const LOOKS = 20;
const NEAR = 0.8;

/**
 * Creates a guard; it does not watch yet.
 *
 * @param onNear Called once for each call that is near the limit.
 */
export function createHeaderGuard(
  { earlyHeaders, interceptor }: KedaAdapter,
  tracker: ExchangeTracker,
  onNear?: (exchange: Exchange) => void,
): HeaderGuard {
  const limit = interceptor.responseHeader;
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    const now = performance.now();
    let isIdle = true;
    tracker.forEach((exchange) => {
      isIdle = false;
      if (!isWaitedFor(exchange)) return;
      exchange.waitedForSince ??= now;
      const elapsed = now - exchange.waitedForSince;
      if (elapsed < limit * NEAR || exchange.isLate) return;
      exchange.isLate = true;
      warn(exchange, elapsed);
      onNear?.(exchange);
    });
    if (isIdle) stop();
  }

  function warn({ invocation, response }: Exchange, elapsed: number): void {
    const name = invocation?.function.name;
    const said = `function "${name}" has sent no response headers for ${Math.round(elapsed)} ms, and the interceptor waits ${limit} ms`;
    invocation?.log.warn(
      { elapsed: Math.round(elapsed), limit },
      `${said}: ${earlyHeaders ? SENT_EARLY : WHAT_TO_DO}`,
    );
    if (earlyHeaders) response.sendEarly();
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    watch() {
      if (limit === 0 || timer !== undefined) return;
      timer = setInterval(look, limit / LOOKS).unref();
    },
    stop,
  };
}

// The interceptor counts from when it has sent the whole request.
function isWaitedFor({ connection, invocation, over, request, response }: Exchange): boolean {
  const isCall = invocation !== undefined && connection === undefined;
  return isCall && !over && request.complete && !response.headersSent;
}

const SENT_EARLY = 'they are sent now, and a failure after that can only cut the connection';
const WHAT_TO_DO =
  'its caller is about to get an error; answer sooner, begin a streamed reply, raise the timeout of the ' +
  'interceptor, or send headers early (--early-headers)';
