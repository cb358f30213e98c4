// App health checks: probes at an interval, and a switch that pauses what the app gets.
import type { Clock } from '../clock.ts';
import type { Pause } from '../pause.ts';
import type { AppChannel } from './channel.ts';

/** How an app's health is checked. Times in milliseconds. */
export interface HealthCheck {
  /** Of an HTTP app. Default `/healthz`. */
  readonly path: string;
  /** Between probes. Default 5000. */
  readonly intervalMs: number;
  /** For one probe. Default 500. */
  readonly timeoutMs: number;
  /** Failed probes in a row after which the app is not healthy. Default 3. */
  readonly threshold: number;
}

/** Probes that run. */
export interface HealthProbes {
  /** Resolves when the app has been healthy for the first time, or the probes are closed. */
  readonly healthy: Promise<void>;
  close(): void;
}

/** Starts to probe. Until the first probe succeeds, the app is not healthy. */
export function startHealthProbes(
  check: HealthCheck,
  { channel, clock, pause }: { channel: AppChannel; clock: Clock; pause: Pause },
): HealthProbes {
  const stopped = new AbortController();
  let failures = check.threshold;
  let cancel = (): void => undefined;
  let becomeHealthy = (): void => undefined;
  const healthy = new Promise<void>((resolve) => {
    becomeHealthy = resolve;
  });
  pause.pause();

  async function probe(): Promise<void> {
    const over = new AbortController();
    const cancelTimeout = clock.setTimeout(() => over.abort(), check.timeoutMs);
    const signal = AbortSignal.any([stopped.signal, over.signal]);
    const isHealthy = await channel.probe(check.path, signal);
    cancelTimeout();
    if (stopped.signal.aborted) return;
    if (isHealthy) {
      failures = 0;
      pause.resume();
      becomeHealthy();
    } else if (++failures >= check.threshold) {
      pause.pause();
    }
  }

  // Measured from start to start, as a ticker does.
  function arm(): void {
    cancel = clock.setTimeout(() => {
      arm();
      void probe();
    }, check.intervalMs);
  }

  arm();
  void probe();
  return {
    healthy,
    close() {
      stopped.abort();
      cancel();
      // Nobody waits any longer.
      becomeHealthy();
    },
  };
}
