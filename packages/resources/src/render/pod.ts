// The pods of a function: the user's template, with the container `function` completed.
import { uniqueVariables } from '../context/environment.ts';
import type { Serving } from '../context/serving.ts';
import { WASM_RUNTIME_CLASS, WASM_VARIANT } from '../function/wasm-edge.ts';

type Template = NonNullable<Serving['spec']['template']>;
type Container = Template['containers'][number];

/** What the container of the function gets. */
export interface FunctionContainer {
  readonly env: readonly { readonly name: string }[];
  readonly port: { readonly containerPort: number };
  /** That the container has no port but this one. */
  readonly isOnlyPort?: boolean;
}

/** The spec of the pods. */
export function toPodSpec(serving: Serving, container: FunctionContainer): object {
  const { annotations, imageCredentials, spec } = serving;
  const { containers, imagePullSecrets = [], ...template } = spec.template ?? { containers: [] };
  const given = containers.find(({ name }) => name === 'function');
  const own = toContainer(given, serving.image, container);
  const secrets = withSecret(imagePullSecrets, imageCredentials?.name ?? '');
  const isWasm = annotations[WASM_VARIANT] !== undefined;
  return {
    ...(isWasm ? { runtimeClassName: WASM_RUNTIME_CLASS } : {}),
    ...template,
    ...(secrets.length === 0 ? {} : { imagePullSecrets: secrets }),
    containers:
      given === undefined
        ? [...containers, own]
        : containers.map((each) => (each === given ? own : each)),
  };
}

function toContainer(
  given: Container | undefined,
  image: string,
  { env, isOnlyPort = false, port }: FunctionContainer,
): object {
  const others = (given?.ports ?? []).filter(
    (each) => each['containerPort'] !== port.containerPort,
  );
  return {
    ...(given ?? { name: 'function', imagePullPolicy: 'IfNotPresent' }),
    image,
    ports: isOnlyPort ? [port] : [...others, port],
    env: uniqueVariables([...(given?.env ?? []), ...env]),
  };
}

function withSecret(secrets: readonly object[], name: string): readonly object[] {
  const isThere = secrets.some((secret) => 'name' in secret && secret.name === name);
  return name === '' || isThere ? secrets : [...secrets, { name }];
}
