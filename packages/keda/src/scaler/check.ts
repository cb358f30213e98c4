// What code says of scaling and of simulations, checked: types are not all there is to it, and may be left
// out.
import * as v from 'valibot';
import { KedaError } from '../errors.ts';
import { check, renderPath } from '../objects/validate.ts';

const ABOVE_0 = 'must be above 0';
const Positive = v.pipe(v.number(), v.finite(ABOVE_0), v.gtValue(0, ABOVE_0));
const NotNegative = v.pipe(
  v.number(),
  v.finite('must be 0 or more'),
  v.minValue(0, 'must be 0 or more'),
);
const Count = v.pipe(
  v.number(),
  v.safeInteger('must be a whole number from 0 up'),
  v.minValue(0, 'must be a whole number from 0 up'),
);

// A day, in buckets of a second.
const MOST_BUCKETS = 86_400;

const Metric = v.variant('kind', [
  v.object({ kind: v.literal('concurrency'), target: Positive }),
  v.pipe(
    v.object({
      kind: v.literal('requestRate'),
      target: Positive,
      window: Positive,
      granularity: v.pipe(
        Positive,
        v.multipleOf(1000, 'must be whole seconds, in milliseconds: 1000'),
      ),
    }),
    v.forward(
      v.check(
        ({ granularity, window }) =>
          granularity <= 0 || (window >= granularity && window / granularity <= MOST_BUCKETS),
        `must not be shorter than the granularity, nor longer than ${MOST_BUCKETS} times that`,
      ),
      ['window'],
    ),
  ),
]);

const Rules = v.object({
  stabilizationWindow: NotNegative,
  selectPolicy: v.picklist(['Max', 'Min', 'Disabled']),
  policies: v.pipe(
    v.array(v.object({ type: v.picklist(['Pods', 'Percent']), value: Positive, period: Positive })),
    v.minLength(1, 'needs a policy'),
  ),
});

/** Options of scaling, with defaults filled in. */
const Scaling = v.pipe(
  v.object({
    minReplicas: Count,
    maxReplicas: v.pipe(Count, v.minValue(1, 'must be 1 or more')),
    metrics: v.pipe(v.array(Metric), v.minLength(1, 'needs a metric')),
    cooldownPeriod: NotNegative,
    initialCooldownPeriod: NotNegative,
    syncPeriod: Positive,
    tolerance: NotNegative,
    scaleUp: Rules,
    scaleDown: Rules,
  }),
  v.forward(
    v.check(
      ({ maxReplicas, minReplicas }) => minReplicas <= maxReplicas,
      'must not be above maxReplicas',
    ),
    ['minReplicas'],
  ),
);

const Simulation = v.object({
  load: v.pipe(v.array(NotNegative), v.minLength(1, 'needs a number for at least one second')),
  service: v.object({ duration: Positive, concurrency: Positive, coldStart: NotNegative }),
  options: Scaling,
  timeout: v.optional(Positive),
});

/** @throws KedaError `OFN_KEDA_OPTION_INVALID`, with an issue for each field. */
export function assertScaling(options: unknown): void {
  assert('the options of scaling are', Scaling, options);
}

/**
 * @param input With options whose defaults are filled in.
 * @throws KedaError `OFN_KEDA_OPTION_INVALID`, with an issue for each field.
 */
export function assertSimulation(input: unknown): void {
  assert('the simulation is', Simulation, input);
}

function assert(what: string, schema: v.GenericSchema, value: unknown): void {
  const { issues: found } = check(schema, value);
  if (found === undefined) return;
  const issues = found.map(({ message, path }) => ({ field: renderPath(path), message }));
  const said = issues.map(({ field, message }) => `${field} ${message}`.trim()).join('; ');
  throw new KedaError('OFN_KEDA_OPTION_INVALID', `${what} not valid: ${said}`, { issues });
}
