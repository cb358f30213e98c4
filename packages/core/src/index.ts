// The public names of @ofn/core.
export {
  binding,
  cloudEvent,
  event,
  http,
  onStart,
  onStop,
  openfunction,
  topic,
  use,
} from './function/registry.ts';
export { DropError, RetryError } from './function/acknowledgement.ts';
export { idempotencyRecord, idempotent } from './outgoing/idempotent.ts';
export { definePlugin } from './invocation/plugin.ts';
export {
  OpenFunctionPlugin,
  OpenFunctionPlugin as Plugin,
} from './invocation/openfunction-plugin.ts';
export { currentInvocation } from './invocation/invoke.ts';
export { OfnError } from './errors.ts';
export type { ErrorCode, Issue } from './errors.ts';
export type { Acknowledgement } from './dapr/delivery.ts';
export type { Input } from './dapr/input.ts';
export type { IdempotentOptions } from './outgoing/idempotent.ts';
export type { BulkEntry, BulkFailure } from './outgoing/bulk-publish.ts';
export type { BindingResponse, Output, SendOptions } from './outgoing/outputs.ts';
export type {
  StateItem,
  StateOperations,
  StateQueryResponse,
} from './outgoing/openfunction-state.ts';
export type {
  BulkItem,
  DeleteOptions,
  QueryResult,
  ReadOptions,
  StateStore,
  Versioned,
} from './outgoing/state.ts';
export type { SaveEntry, SaveOptions, StateOperation } from './outgoing/state-operation.ts';
export type { ContextComponent, FunctionContext } from './function/context.ts';
export type {
  BindingOptions,
  Callback,
  CloudEventHandler,
  Context,
  EventContext,
  EventHandler,
  FetchApp,
  FetchHandler,
  FunctionDefinition,
  FunctionOptions,
  HttpFunctionOptions,
  HttpHandler,
  Method,
  OpenFunctionHandler,
  Request,
  Response,
  Schema,
  SignatureType,
  TopicOptions,
  Trigger,
  TypedCloudEvent,
  UpgradeHandler,
} from './function/signature.ts';
export type { HookPlugin } from './invocation/openfunction-plugin.ts';
export type { CallInput, Invocation } from './invocation/invocation.ts';
export type { Propagation } from './invocation/propagation.ts';
export type {
  CallOutcome,
  CallTrace,
  CreateTracing,
  ExitTarget,
  Trace,
  Tracer,
  Tracing,
  TracingProvider,
  TracingRequest,
} from './invocation/trace.ts';
export type { Plugin as FunctionPlugin, PluginSetup } from './invocation/plugin.ts';
export type { Logger } from './logger.ts';
export type { Environment } from './options.ts';
