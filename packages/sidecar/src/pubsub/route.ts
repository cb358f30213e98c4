// Routing rules: a CEL expression over the event chooses the path that gets it.
import { parse } from '@marcbachmann/cel-js';

/** One rule: events that match go to the path. */
export interface Rule {
  /** The expression; empty: every event matches. */
  readonly match: string;
  readonly path: string;
  readonly matches: (event: unknown) => boolean;
}

/**
 * A rule, ready to be asked.
 *
 * @throws Error when the expression is not valid CEL.
 */
export function compileRule(match: string, path: string): Rule {
  const expression = match.trim();
  if (expression === '') return { match: '', path, matches: () => true };
  const evaluate = parse(expression);
  return {
    match: expression,
    path,
    matches(event) {
      const result: unknown = evaluate({ event });
      if (typeof result === 'boolean') return result;
      throw new TypeError(`the result of match expression ${expression} was not a boolean`);
    },
  };
}

/**
 * The path of the first rule that matches; `undefined` when none does.
 *
 * @throws Error when an expression cannot be evaluated: a field that is not there, for one.
 */
export function findRoute(rules: readonly Rule[], event: unknown): string | undefined {
  return rules.find((rule) => rule.matches(event))?.path;
}
