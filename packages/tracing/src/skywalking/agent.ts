// SkyWalking's agent as this package uses it: its spans, segments and hooks of libraries, without its
// start, its reporter and its logger. The one file that knows the agent's inner modules; its version is
// pinned, since it has no public name for them.
import { createRequire } from 'node:module';
import type { Logger } from '@ofn/core';
import type configuration from 'skywalking-backend-js/lib/config/AgentConfig.js';
import type { Component } from 'skywalking-backend-js/lib/trace/Component.js';
import type id from 'skywalking-backend-js/lib/trace/ID.js';
import type { ContextCarrier } from 'skywalking-backend-js/lib/trace/context/ContextCarrier.js';
import type contextManager from 'skywalking-backend-js/lib/trace/context/ContextManager.js';
import type segment from 'skywalking-backend-js/lib/trace/context/Segment.js';
import type segmentRef from 'skywalking-backend-js/lib/trace/context/SegmentRef.js';
import type spanContext from 'skywalking-backend-js/lib/trace/context/SpanContext.js';
import type dummySpan from 'skywalking-backend-js/lib/trace/span/DummySpan.js';
import type entrySpan from 'skywalking-backend-js/lib/trace/span/EntrySpan.js';
import type exitSpan from 'skywalking-backend-js/lib/trace/span/ExitSpan.js';
import type localSpan from 'skywalking-backend-js/lib/trace/span/LocalSpan.js';
import type span from 'skywalking-backend-js/lib/trace/span/Span.js';

export type AgentConfig = (typeof configuration)['default'];
export type AgentSpan = span.default;
export type Segment = segment.default;

/** Levels of the agent's log lines, in rising order. */
export type AgentLogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The agent's parts. One set in a process: user code that requires the agent has the same. */
export interface Agent {
  readonly config: AgentConfig;
  /** Makes the regular expressions of a configuration out of its texts. */
  readonly finalizeConfig: (config: AgentConfig) => void;
  readonly contextManager: (typeof contextManager)['default'];
  readonly SpanContext: (typeof spanContext)['default'];
  readonly EntrySpan: (typeof entrySpan)['default'];
  readonly ExitSpan: (typeof exitSpan)['default'];
  readonly LocalSpan: (typeof localSpan)['default'];
  readonly DummySpan: (typeof dummySpan)['default'];
  readonly Component: typeof Component;
  readonly ID: (typeof id)['default'];
  readonly ContextCarrier: typeof ContextCarrier;
  readonly SegmentRef: (typeof segmentRef)['default'];
  /** Says `segment-finished`, with the segment; is told `segments-sent` when a second is over. */
  readonly emitter: {
    on(event: string, listener: (segment: Segment) => void): unknown;
    off(event: string, listener: (segment: Segment) => void): unknown;
    emit(event: string, segment?: Segment): unknown;
  };
  /** Any other module of the agent, by its path below `lib`. */
  readonly load: (path: string) => unknown;
}

const require = createRequire(import.meta.url);
const PACKAGE = 'skywalking-backend-js/lib';

/**
 * Loads the agent's parts.
 *
 * Its own logger writes to `skywalking.log` in production, in the working directory, and loads winston,
 * which takes as long as all the rest. Ours takes its place before any module asks for it.
 */
export function loadAgent(log: Logger, level: AgentLogLevel): Agent {
  sink = { log, lowest: LEVELS.indexOf(level) };
  return loadParts();
}

/** Loads them without a use for them yet. */
export function preloadAgent(): void {
  loadParts();
}

function loadParts(): Agent {
  replaceLogging();
  const load = (path: string): unknown => require(`${PACKAGE}/${path}`);
  const { default: config, finalizeConfig } = load('config/AgentConfig') as {
    default: Agent['config'];
    finalizeConfig: Agent['finalizeConfig'];
  };
  // Modules of the agent are CommonJS; some have a default export, some one by its name.
  const byDefault = (path: string): unknown => (load(path) as { default: unknown }).default;
  const byName = (path: string): Agent => load(path) as Agent;
  return {
    config,
    finalizeConfig,
    contextManager: byDefault('trace/context/ContextManager') as Agent['contextManager'],
    SpanContext: byDefault('trace/context/SpanContext') as Agent['SpanContext'],
    EntrySpan: byDefault('trace/span/EntrySpan') as Agent['EntrySpan'],
    ExitSpan: byDefault('trace/span/ExitSpan') as Agent['ExitSpan'],
    LocalSpan: byDefault('trace/span/LocalSpan') as Agent['LocalSpan'],
    DummySpan: byDefault('trace/span/DummySpan') as Agent['DummySpan'],
    ID: byDefault('trace/ID') as Agent['ID'],
    SegmentRef: byDefault('trace/context/SegmentRef') as Agent['SegmentRef'],
    Component: byName('trace/Component').Component,
    ContextCarrier: byName('trace/context/ContextCarrier').ContextCarrier,
    emitter: byName('lib/EventEmitter').emitter,
    load,
  };
}

type Level = (message: unknown, meta?: object) => void;

// Where the agent's lines go by now: its modules keep the logger that they once got.
let sink: { readonly log: Logger; readonly lowest: number } | undefined;

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

function replaceLogging(): void {
  const id = require.resolve(`${PACKAGE}/logging/index.js`);
  if (require.cache[id] !== undefined) return;
  const isWritten = (name: AgentLogLevel): boolean =>
    sink !== undefined && LEVELS.indexOf(name) >= sink.lowest;
  const write =
    (name: AgentLogLevel): Level =>
    (message, meta) => {
      if (isWritten(name)) sink?.log[name]({ agent: 'skywalking', ...meta }, String(message));
    };
  const logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    // What the agent asks before it puts a line together.
    get _isDebugEnabled() {
      return isWritten('debug');
    },
    get _isInfoEnabled() {
      return isWritten('info');
    },
  };
  const exports = {
    createLogger: () => logger,
    throttled: (_: unknown, name: AgentLogLevel) => logger[name],
  };
  const module = Object.assign(Object.create(require('node:module').prototype), {
    id,
    filename: id,
    loaded: true,
    exports,
    children: [],
    paths: [],
  });
  require.cache[id] = module;
}
