// The one error of the package, and all its codes.

/** Every code, with what it means. `docs/function-reference.md` lists the same. */
export const RESOURCE_ERRORS = {
  OFN_RESOURCE_UNREADABLE: 'A text is no YAML, or not what was asked for, such as one Function',
  OFN_RESOURCE_INVALID:
    'A resource is not valid; each issue names the field, the line and the column',
  OFN_RESOURCE_CONFIG_INVALID:
    'The global configuration (ConfigMap openfunction-config) is not valid; the message names the key',
  OFN_RESOURCE_COMPONENT_UNKNOWN:
    'A function names a Dapr component that it does not define, and whose type is not known',
  OFN_RESOURCE_TARGET_UNFIT:
    'A function cannot be rendered for this target; the issue names the field',
} as const satisfies Readonly<Record<string, string>>;

/** A code of this package. */
export type ResourceErrorCode = keyof typeof RESOURCE_ERRORS;

/** One thing that is wrong with a resource. */
export interface ResourceIssue {
  /** Where, from the root of the resource: `spec.serving.triggers.http.port`. */
  readonly field: string;
  readonly message: string;
  /** Of a resource that was parsed: `function.yaml:12:7`. */
  readonly at?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

/**
 * An error of this package.
 *
 * @example
 * try { parseFunction(text, { file: 'function.yaml' }); }
 * catch (error) { for (const { at, field, message } of (error as ResourceError).issues) console.log(at, field, message); }
 */
export class ResourceError extends Error {
  override readonly name = 'ResourceError';
  readonly code: ResourceErrorCode;
  /** Each field that is wrong, in the order of the text; empty when the message says it all. */
  readonly issues: readonly ResourceIssue[];

  constructor(
    code: ResourceErrorCode,
    message: string,
    options: { issues?: readonly ResourceIssue[]; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.issues = options.issues ?? [];
  }
}

/** The error of a resource with these issues. */
export function invalidResource(
  what: string,
  issues: readonly ResourceIssue[],
  code: ResourceErrorCode = 'OFN_RESOURCE_INVALID',
): ResourceError {
  const said = issues.map(({ at, field, message }) => {
    const where = at === undefined ? '' : `${at}: `;
    return `${where}${what}: ${field === '' ? '' : `${field} `}${message}`;
  });
  return new ResourceError(code, said.join('\n'), { issues });
}
