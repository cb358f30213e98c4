// The public names of @ofn/core.
export {
  cloudEvent,
  event,
  http,
  onStart,
  onStop,
  openfunction,
  use,
} from './function/registry.ts';
export { definePlugin } from './invocation/plugin.ts';
export {
  OpenFunctionPlugin,
  OpenFunctionPlugin as Plugin,
} from './invocation/openfunction-plugin.ts';
export { currentInvocation } from './invocation/invoke.ts';
export { OfnError } from './errors.ts';
export type { ErrorCode, Issue } from './errors.ts';
export type { ContextComponent, FunctionContext } from './function/context.ts';
export type {
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
  TypedCloudEvent,
} from './function/signature.ts';
export type { HookPlugin } from './invocation/openfunction-plugin.ts';
export type { Invocation } from './invocation/invocation.ts';
export type { Plugin as FunctionPlugin, PluginSetup } from './invocation/plugin.ts';
export type { Logger } from './logger.ts';
