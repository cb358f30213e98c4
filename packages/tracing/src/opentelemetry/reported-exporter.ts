// An exporter → one whose failures are lines of our log, with how many spans were lost, and nothing else.
import type { Logger } from '@ofn/core';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { OtlpExporter } from './exporter.ts';
import { createThrottle } from './throttle.ts';

/** An exporter whose failures are reported. */
export interface ReportedExporter {
  readonly exporter: SpanExporter;
  /** Whether the last export failed. */
  readonly isFailing: () => boolean;
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
  let isFailing = false;

  function report(count: number, { code, error }: ExportResult): void {
    if (code === ExportResultCode.SUCCESS) {
      if (isFailing) log.info({ target }, 'Spans arrive again');
      isFailing = false;
      return;
    }
    isFailing = true;
    lost += count;
    if (!mayWrite('lost')) return;
    log.warn({ target, spans: lost, reason: toReason(error) }, 'Spans could not be sent');
    lost = 0;
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
      underWay.set(succeed, spans.length);
      try {
        exporter.export(spans, settle);
      } catch (error) {
        const { FAILED } = ExportResultCode;
        settle({ code: FAILED, error: error instanceof Error ? error : new Error(String(error)) });
      }
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };

  return {
    exporter: reported,
    isFailing: () => isFailing,
    release() {
      for (const [succeed, count] of underWay) {
        underWay.delete(succeed);
        lost += count;
        // Else the processor waits for half a minute.
        succeed();
      }
      if (lost > 0) log.warn({ target, spans: lost }, 'Spans could not be sent before the stop');
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
  return `${prefix}${message}`.trim() || 'unknown';
}
