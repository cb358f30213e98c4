// One request on its way: counted, held until an instance is ready, and then forwarded or tunnelled.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InterceptorSettings, Profile } from '../profile.ts';
import type { Route, ServiceTarget, StaticResponse } from '../routing/route.ts';
import type { RouteCounter } from './counter.ts';
import { DialError, type Dialer } from './dial.ts';
import type { EndpointKeys, Endpoints } from './endpoints.ts';
import type { Pool } from './pool.ts';
import { answer, answerStatic, cutOff } from './reply.ts';
import type { RequestTarget } from './target.ts';

/** What all calls share. */
export interface CallSettings {
  readonly profile: Profile;
  readonly settings: InterceptorSettings;
  readonly endpoints: Endpoints;
  readonly dialer: Dialer;
  readonly pool: Pool;
  /** The calls that wait for an instance. */
  readonly held: Set<Call>;
  readonly log: Log;
}

/** Where the interceptor says what happened. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Sends a call to its target, once there is an instance. */
export type Forward = (call: Call) => void;

/** A request with a route. */
export class Call {
  readonly shared: CallSettings;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: Route;
  readonly target: RequestTarget;
  /** Where it is sent: the target of its route, or what stands in for it. */
  service: Service;
  /** Names and values that the interceptor adds to the response. */
  addedHeaders: readonly string[];
  /** Whether it waited for an instance, and got one. */
  coldStart = false;
  /** Ends what is under way for the call; set by whoever has something under way. */
  onEnd: (() => void) | undefined = undefined;
  /** Whether both connections have become one, over which no reply can be sent any more. */
  isTunnel = false;
  #over = false;
  #counter: RouteCounter | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #aborted: AbortController | undefined;

  constructor(
    shared: CallSettings,
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
    target: RequestTarget,
  ) {
    this.shared = shared;
    this.request = request;
    this.response = response;
    this.route = route;
    this.target = target;
    this.service = serviceOf(route, route.target);
    this.addedHeaders = addedHeadersOf(route);
  }

  /** Whether its response has ended, or its caller is gone. */
  get over(): boolean {
    return this.#over;
  }

  /** Aborts when the call is over. Made by those who need it. */
  get signal(): AbortSignal {
    this.#aborted ??= new AbortController();
    if (this.#over) this.#aborted.abort();
    return this.#aborted.signal;
  }

  /** @param counter Counts the call until it ends; `undefined` for one that is not to be counted. */
  start(counter: RouteCounter | undefined, forward: Forward): void {
    const { endpoints, settings } = this.shared;
    const { placeholder, timeouts } = this.route;
    this.#counter = counter;
    counter?.begin();
    const requestTimeout = timeouts.request ?? settings.requestTimeout;
    if (requestTimeout > 0) {
      this.#deadline = setTimeout(
        () => this.fail(504, 'the request took too long'),
        requestTimeout,
      );
    }
    if (endpoints.isReady(this.service)) {
      this.#addColdStart('false');
      forward(this);
    } else if (placeholder !== undefined) answerStatic(this.response, placeholder);
    else this.#hold(forward);
  }

  /** The response has ended, or its caller is gone; nothing more is done for it. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#deadline);
    this.#counter?.end();
    this.#aborted?.abort();
    this.onEnd?.();
  }

  /** Answers with a status that says it all, or cuts off what has begun; ends what is under way. */
  fail(status: number, reason: string): void {
    if (this.#over) return;
    const { log, profile } = this.shared;
    log.warn({ route: this.#key, path: this.target.path, status }, reason);
    const under = this.onEnd;
    this.onEnd = undefined;
    const { addedHeaders, response } = this;
    const headers = [...addedHeaders, ...profile.plainHeaders];
    if (response.headersSent || this.isTunnel) cutOff(response);
    else answer(response, status, profile.plainBody(status), headers);
    under?.();
  }

  /** Answers a call that waits for an instance with what its route has in the place of one by now. */
  stopWaiting(placeholder: StaticResponse): void {
    this.onEnd?.();
    answerStatic(this.response, placeholder);
  }

  /** Fails a call for which no connection could be had. */
  failToDial(error: unknown): void {
    const { profile } = this.shared;
    const status = error instanceof DialError ? profile.timeoutStatus : 502;
    this.fail(status, (error as Error).message);
  }

  get #key(): string {
    return `${this.route.namespace}/${this.route.name}`;
  }

  #hold(forward: Forward): void {
    const { endpoints, held, profile, settings } = this.shared;
    const { fallback, timeouts } = this.route;
    const given = timeouts.readiness ?? settings.readinessTimeout;
    const timeout = given === 0 && fallback !== undefined ? FALLBACK_AFTER : given;
    let timer: NodeJS.Timeout | undefined;
    const stopWaiting = endpoints.wait(this.service, () => {
      release();
      this.#addColdStart('true');
      forward(this);
    });
    const release = (): void => {
      clearTimeout(timer);
      stopWaiting();
      held.delete(this);
      this.onEnd = undefined;
    };
    held.add(this);
    this.onEnd = release;
    if (timeout === 0) return;
    timer = setTimeout(() => {
      release();
      if (fallback !== undefined) {
        this.service = serviceOf(this.route, fallback);
        forward(this);
        return;
      }
      const { service } = this.route.target;
      const reason = `no instance of ${service} was ready within ${timeout} ms`;
      this.shared.log.warn({ route: this.#key, path: this.target.path }, reason);
      const { body, status } = profile.notReady;
      answer(this.response, status, body(service), profile.plainHeaders);
    }, timeout);
  }

  #addColdStart(value: 'true' | 'false'): void {
    this.coldStart = value === 'true';
    if (!this.shared.settings.coldStartHeader) return;
    const told = COLD_START[value];
    this.addedHeaders = this.addedHeaders.length === 0 ? told : [...this.addedHeaders, ...told];
  }
}

// Milliseconds.
const FALLBACK_AFTER = 30_000;

const COLD_START = {
  true: ['X-Keda-Http-Cold-Start', 'true'],
  false: ['X-Keda-Http-Cold-Start', 'false'],
} as const;

/** A port of a service, under the names that its instances are registered by. */
export interface Service extends EndpointKeys {
  /** Its name in the cluster's DNS, with the port. */
  readonly authority: string;
}

const addedHeaders = new WeakMap<Route, readonly string[]>();

// Put together once for all requests.
function addedHeadersOf(route: Route): readonly string[] {
  if (route.responseHeaders === undefined) return [];
  let list = addedHeaders.get(route);
  if (list === undefined) {
    list = Object.entries(route.responseHeaders).flat();
    addedHeaders.set(route, list);
  }
  return list;
}

const services = new WeakMap<ServiceTarget, Service>();

// Put together once for all requests.
function serviceOf({ namespace }: Route, target: ServiceTarget): Service {
  let service = services.get(target);
  if (service === undefined) {
    const { port, service: name } = target;
    service = {
      service: `${namespace}/${name}`,
      servicePort: `${namespace}/${name}:${port}`,
      authority: `${name}.${namespace}:${port}`,
    };
    services.set(target, service);
  }
  return service;
}
