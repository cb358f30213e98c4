// An exporter → one whose failures are lines of our log, with how many spans were lost, and nothing else.
import type { Logger } from '@ofn/core';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { OtlpExporter } from './exporter.ts';
import { createThrottle } from './throttle.ts';

/** An exporter whose failures are reported. */
export interface ReportedExporter {
  /** Where it sends to, for people. */
  readonly target: string;
  readonly exporter: SpanExporter;
  /** Whether the last export failed. */
  readonly isFailing: () => boolean;
  /**
   * Called before the last flush. What is sent from then on, or under way, is given up at once when
   * nobody listens at the collector's address: the exporter would try again for seconds.
   */
  readonly beginStop: () => void;
  /** Gives up what is still under way, reports what was lost, and lets go of connections. */
  readonly release: () => void;
}

/**
 * Reports what an exporter fails with: the first failure, then one line in a minute with all that was
 * lost since, and that spans arrive again.
 *
 * To the processor each export succeeds. One that fails starts its next export twice, and after a
 * while of a collector that is gone all the exports that it may have are under way, each with a batch.
 */
export function createReportedExporter(otlp: OtlpExporter, log: Logger): ReportedExporter {
  const { exporter, target } = otlp;
  const mayWrite = createThrottle();
  const underWay = new Map<() => void, number>();
  let lost = 0;
  let reason = '';
  let isFailing = false;
  let isStopping = false;
  let reached: Promise<boolean> | undefined;
  let abandon = (): void => {};
  const abandoned = new Promise<void>((resolve) => (abandon = resolve));

  function report(count: number, { code, error }: ExportResult): void {
    if (code === ExportResultCode.SUCCESS) {
      if (isFailing) log.info({ target }, 'Spans arrive again');
      isFailing = false;
      return;
    }
    isFailing = true;
    lost += count;
    reason = toReason(error);
    if (!mayWrite('lost')) return;
    log.warn({ target, spans: lost, reason }, 'Spans could not be sent');
    lost = 0;
  }

  function giveUp(why: string): void {
    if (underWay.size > 0) reason = why;
    for (const [succeed, count] of underWay) {
      underWay.delete(succeed);
      lost += count;
      // Else the processor waits for half a minute.
      succeed();
    }
  }

  /** Whether somebody listens; found out once, when there is something to send. */
  function reach(): Promise<boolean> {
    return (reached ??= otlp.whyUnreachable().then((error) => {
      if (error === undefined) return true;
      giveUp(toReason(error));
      abandon();
      return false;
    }));
  }

  const reported: SpanExporter = {
    export(spans, done) {
      const succeed = (): void => done({ code: ExportResultCode.SUCCESS });
      const settle = (result: ExportResult): void => {
        // One that was given up has been reported.
        if (!underWay.delete(succeed)) return;
        report(spans.length, result);
        succeed();
      };
      const send = (): void => {
        try {
          exporter.export(spans, settle);
        } catch (error) {
          const { FAILED } = ExportResultCode;
          settle({
            code: FAILED,
            error: error instanceof Error ? error : new Error(String(error)),
          });
        }
      };
      const sendIfReached = async (): Promise<void> => {
        if (!(await reach())) giveUp(reason);
        else if (underWay.has(succeed)) send();
      };
      underWay.set(succeed, spans.length);
      if (isStopping) void sendIfReached();
      else send();
    },
    forceFlush: async () => exporter.forceFlush?.(),
    // The exporter waits for what was given up as well.
    shutdown: () => Promise.race([exporter.shutdown(), abandoned]),
  };

  return {
    target: `OTLP at ${target}`,
    exporter: reported,
    isFailing: () => isFailing,
    beginStop() {
      isStopping = true;
      if (underWay.size > 0) void reach();
    },
    release() {
      giveUp('no answer in time');
      if (lost > 0) {
        log.warn({ target, spans: lost, reason }, 'Spans could not be sent before the stop');
      }
      lost = 0;
      otlp.release();
    },
  };
}

/** Code and message. The answer of a collector, which the error may hold too, can be of any size. */
function toReason(error: (Error & { code?: unknown }) | undefined): string {
  const { code, message = '' } = error ?? {};
  const isCode = typeof code === 'string' || typeof code === 'number';
  const prefix = isCode && !message.includes(String(code)) ? `${code} ` : '';
  // The gRPC client leaves the end of its message empty.
  return `${prefix}${message}`.replace(/\s*Resolution note:\s*$/, '').trim() || 'unknown';
}
