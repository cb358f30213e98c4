// `req.app` and `res.app`: the settings that Express's members read, without an application.

const subject = 'a function has no Express application';

/** The part of Express's application that its request and response need. */
export interface Application {
  readonly locals: { readonly settings: Readonly<Record<string, unknown>> };
  readonly settings: Readonly<Record<string, unknown>>;
  get(name: string): unknown;
  enabled(name: string): boolean;
  disabled(name: string): boolean;
  set(name: string): never;
  render(view: string, options: unknown, callback?: (error: Error) => void): void;
}

/**
 * Creates an application; it is frozen.
 *
 * @param trustedHops How many proxies in front are believed, as a number in Express's `trust proxy`.
 *   Default: all of them.
 */
export function createApplication(trustedHops?: number): Application {
  // As Google's and OpenFunction's frameworks set them: behind a proxy, no ETag, no X-Powered-By.
  const settings: Record<string, unknown> = Object.freeze({
    env: process.env['NODE_ENV'] ?? 'development',
    etag: false,
    'jsonp callback name': 'callback',
    'query parser': 'simple',
    'subdomain offset': 2,
    'trust proxy': trustedHops ?? true,
    'trust proxy fn': (_address: string, hop: number) => hop < (trustedHops ?? Infinity),
  });
  return Object.freeze({
    locals: Object.freeze({ settings }),
    settings,
    get: (name: string) => settings[name],
    enabled: (name: string) => Boolean(settings[name]),
    disabled: (name: string) => !settings[name],
    set(name: string): never {
      throw new Error(`app.set("${name}"): ${subject}; export an Express app to have one`);
    },
    render(view: string, options: unknown, callback?: (error: Error) => void): void {
      const done = typeof options === 'function' ? (options as (error: Error) => void) : callback;
      const error = new Error(
        `res.render("${view}"): ${subject} with a view engine; export an Express app to have one`,
      );
      if (done === undefined) throw error;
      done(error);
    },
  });
}

/** The application of servers that believe every proxy. */
export const application = createApplication();
