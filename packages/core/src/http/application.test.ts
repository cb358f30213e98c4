// `req.app` without an Express application: its settings are read, and nothing can be set.
import { describe, expect, it } from 'vitest';
import { application, createApplication } from './application.ts';

describe('the application', () => {
  it('tells the settings that Express members read', () => {
    expect(application.get('trust proxy')).toBe(true);
    expect(application.enabled('trust proxy')).toBe(true);
    expect(application.disabled('etag')).toBe(true);
    expect(application.get('unknown')).toBeUndefined();
    expect(application.locals.settings).toBe(application.settings);
  });

  it('trusts as many proxies as it is told, counted from the nearest', () => {
    const trusted = (hops?: number): boolean[] => {
      const trusts = createApplication(hops).get('trust proxy fn') as (
        at: string,
        hop: number,
      ) => boolean;
      return [0, 1, 2].map((hop) => trusts('10.0.0.1', hop));
    };
    expect(trusted()).toEqual([true, true, true]);
    expect(trusted(0)).toEqual([false, false, false]);
    expect(trusted(2)).toEqual([true, true, false]);
    expect(createApplication(2).get('trust proxy')).toBe(2);
  });

  it('refuses to be changed, for all calls share it', () => {
    expect(() => application.set('etag')).toThrow('export an Express app to have one');
    expect(Object.isFrozen(application) && Object.isFrozen(application.settings)).toBe(true);
    expect(Object.isFrozen(application.locals)).toBe(true);
  });

  it('renders nothing: the error goes to the callback, or is thrown', () => {
    const seen: string[] = [];
    const keep = (error: Error): void => void seen.push(error.message);
    application.render('a', keep);
    application.render('b', {}, keep);
    expect(seen).toEqual([
      expect.stringContaining('res.render("a")'),
      expect.stringContaining('res.render("b")'),
    ]);
    expect(() => application.render('c', {})).toThrow('res.render("c")');
  });
});
