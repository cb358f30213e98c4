// Which function a request is for. One function without a path needs no router; several, and paths
// with parameters, are matched by Express's own router.
import type { IRoute, Router } from 'express';
import { OfnError } from '../errors.ts';
import type { FunctionDefinition } from '../function/signature.ts';
import { allowedMethods, methodNotAllowed, type Endpoint } from './endpoint.ts';
import { express } from './express.ts';
import type { FunctionRequest } from './request.ts';
import type { FunctionResponse } from './response.ts';
import type { UpgradeEndpoint } from './upgrade.ts';

/** A function with its endpoint. */
export interface Route {
  readonly definition: FunctionDefinition;
  readonly endpoint: Endpoint;
  /** Takes connections over that clients upgrade; `undefined` for a function that does not. */
  readonly upgrade: UpgradeEndpoint | undefined;
}

/** Finds who takes an upgrade over; `undefined` when nobody does. */
export type FindUpgrade = (request: FunctionRequest) => UpgradeEndpoint | undefined;

/** Finds the function of a request and hands it over; calls `otherwise` when there is none. */
export type Dispatch = (
  request: FunctionRequest,
  response: FunctionResponse,
  otherwise: (error: unknown) => void,
) => void;

/** The path a function is served at; `undefined` for every path. */
export function pathOf(definition: FunctionDefinition, isOnly: boolean): string | undefined {
  return definition.path ?? (isOnly ? undefined : `/${definition.name}`);
}

/**
 * Creates the dispatch over functions.
 *
 * @param isOnly Whether it is the only function, which then is served at every path.
 * @param showDetails Whether a 404 lists the paths that there are; for development.
 * @throws OfnError `OFN_ROUTE_CONFLICT` when two functions accept the same method at the same path;
 *   `OFN_FUNCTION_INVALID` for a path that Express 5's syntax does not allow.
 */
export function createDispatch(
  routes: readonly Route[],
  isOnly = routes.length === 1,
  showDetails = false,
): Dispatch {
  const [first] = routes;
  if (first === undefined) {
    return (request, _, otherwise) => otherwise(notFound(request, []));
  }
  if (isOnly && first.definition.path === undefined) {
    return (request, response) => first.endpoint(request, response);
  }
  assertNoConflict(routes, isOnly);
  const paths = routes.map(({ definition }) => pathOf(definition, isOnly) ?? '/');
  const router = express().createRouter();
  // The methods that functions at the path of a request would have taken.
  const refused = new WeakMap<FunctionRequest, readonly string[]>();
  for (const { definition, endpoint } of routes) {
    const methods = allowedMethods(definition);
    routeAt(router, definition, isOnly).all((req: object, res: object, next: () => void) => {
      const request = req as FunctionRequest;
      if (methods === undefined || methods.includes(request.method ?? '')) {
        endpoint(request, res as FunctionResponse);
        return;
      }
      refused.set(request, [...(refused.get(request) ?? []), ...methods]);
      next();
    });
  }
  return (request, response, otherwise) => {
    router(request as never, response as never, (error?: unknown) => {
      const methods = refused.get(request);
      if (error !== undefined && error !== null) otherwise(toRequestError(error));
      else if (methods === undefined) otherwise(notFound(request, showDetails ? paths : []));
      else otherwise(methodNotAllowed(request, request.path, [...new Set(methods)]));
    });
  };
}

/**
 * Creates the search for who takes an upgrade over: the function that a GET at its path would call.
 *
 * @returns `undefined` when no function takes any.
 */
export function createUpgradeFinder(
  routes: readonly Route[],
  isOnly = routes.length === 1,
): FindUpgrade | undefined {
  if (routes.every(({ upgrade }) => upgrade === undefined)) return undefined;
  const [first] = routes;
  if (isOnly && first?.definition.path === undefined) return () => first?.upgrade;
  const router = express().createRouter();
  // The router calls back before it returns: no handler of it waits for anything.
  let found: UpgradeEndpoint | undefined;
  for (const { definition, upgrade } of routes) {
    const methods = allowedMethods(definition);
    routeAt(router, definition, isOnly).all(
      (_request: object, _response: object, next: () => void) => {
        if (methods?.includes('GET') === false) next();
        else found = upgrade;
      },
    );
  }
  return (request) => {
    found = undefined;
    router(request as never, {} as never, () => {});
    return found;
  };
}

function notFound(request: FunctionRequest, paths: readonly string[]): OfnError {
  const there = paths.length === 0 ? '' : `; there is ${[...new Set(paths)].join(', ')}`;
  return new OfnError('OFN_NOT_FOUND', `nothing is served at ${request.path}${there}`);
}

// The router reports a parameter that it cannot decode ("%zz") as an error with status 400.
function toRequestError(error: unknown): unknown {
  const { status } = error as { status?: unknown };
  if (status !== 400) return error;
  return new OfnError('OFN_REQUEST_MALFORMED', (error as Error).message, { cause: error });
}

function routeAt(router: Router, definition: FunctionDefinition, isOnly: boolean): IRoute {
  const path = pathOf(definition, isOnly) ?? '/';
  try {
    return router.route(path);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new OfnError(
      'OFN_FUNCTION_INVALID',
      `function "${definition.name}": the path "${path}" is not valid: ${reason}`,
      { cause },
    );
  }
}

function assertNoConflict(routes: readonly Route[], isOnly: boolean): void {
  const taken = new Map<string, string>();
  for (const { definition } of routes) {
    const path = pathOf(definition, isOnly) ?? '/';
    for (const method of allowedMethods(definition) ?? ['*']) {
      const clash =
        taken.get(`${method} ${path}`) ??
        taken.get(`* ${path}`) ??
        (method === '*' ? [...taken].find(([key]) => key.endsWith(` ${path}`))?.[1] : undefined);
      if (clash !== undefined) {
        throw new OfnError(
          'OFN_ROUTE_CONFLICT',
          `functions "${clash}" and "${definition.name}" both serve ` +
            `${method === '*' ? 'every method' : method} at ${path}`,
        );
      }
      taken.set(`${method} ${path}`, definition.name);
    }
  }
}
