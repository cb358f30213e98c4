// `req.app` and `res.app`: the settings that Express's members read, without an application.

const subject = 'a function has no Express application';

// As Google's and OpenFunction's frameworks set them: behind a proxy, no ETag, no X-Powered-By.
const settings: Record<string, unknown> = {
  env: process.env['NODE_ENV'] ?? 'development',
  etag: false,
  'jsonp callback name': 'callback',
  'query parser': 'simple',
  'subdomain offset': 2,
  'trust proxy': true,
  'trust proxy fn': () => true,
};

/** The part of Express's application that its request and response need; frozen. */
export const application = Object.freeze({
  locals: Object.freeze({ settings }),
  settings: Object.freeze(settings),
  get: (name: string): unknown => settings[name],
  enabled: (name: string): boolean => Boolean(settings[name]),
  disabled: (name: string): boolean => !settings[name],
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
