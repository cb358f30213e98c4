import { describe, expect, it } from 'vitest';
import { SidecarError } from './errors.ts';
import { renderHelp } from './flags.ts';
import { parseOptions, type BinOptions, type Environment } from './options.ts';

function options(args: readonly string[], env: Environment = {}): BinOptions {
  const command = parseOptions(args, env);
  if (command.kind !== 'run') throw new Error(`got ${command.kind}`);
  return command.options;
}

function failure(args: readonly string[]): SidecarError {
  try {
    parseOptions(args, {});
  } catch (error) {
    if (error instanceof SidecarError) return error;
  }
  throw new Error('nothing was thrown');
}

describe('parseOptions', () => {
  it("has daprd's defaults", () => {
    expect(options([])).toMatchObject({
      appId: 'app',
      appPort: undefined,
      appProtocol: 'http',
      appMaxConcurrency: undefined,
      httpPort: 3500,
      grpcPort: 50001,
      host: '127.0.0.1',
      resourcesPath: [],
      emulate: false,
      maxBodySize: 4 * 1024 * 1024,
      gracefulShutdownSeconds: 5,
      healthCheck: {
        enabled: false,
        path: '/healthz',
        intervalMs: 5000,
        timeoutMs: 500,
        threshold: 3,
      },
      apiToken: undefined,
      appApiToken: undefined,
      ignored: [],
    });
  });

  it('reads each flag', () => {
    const args = [
      '--app-id=orders',
      '--app-port=8080',
      '--app-protocol=GRPC',
      '--app-channel-address=127.0.0.2',
      '--app-max-concurrency=4',
      '--dapr-http-port=0',
      '--dapr-grpc-port=1',
      '--dapr-listen-addresses=[::1]',
      '--enable-app-health-check',
      '--app-health-check-path=live',
      '--app-health-probe-interval=2',
      '--app-health-probe-timeout=100',
      '--app-health-threshold=1',
      '--max-body-size=16Mi',
      '--dapr-graceful-shutdown-seconds=9',
      '--emulate',
      '--log-level=debug',
    ];
    expect(options(args)).toMatchObject({
      appId: 'orders',
      appPort: 8080,
      appProtocol: 'grpc',
      appChannelAddress: '127.0.0.2',
      appMaxConcurrency: 4,
      httpPort: 0,
      grpcPort: 1,
      host: '::1',
      maxBodySize: 16 * 1024 * 1024,
      gracefulShutdownSeconds: 9,
      emulate: true,
      logLevel: 'debug',
      healthCheck: {
        enabled: true,
        path: '/live',
        intervalMs: 2000,
        timeoutMs: 100,
        threshold: 1,
      },
    });
  });

  it('collects the paths of resources: repeated, joined by commas, by the older name', () => {
    const args = ['--resources-path', 'a,b', '--components-path=d', '--resources-path', 'c'];
    expect(options(args).resourcesPath).toEqual(['a', 'b', 'c', 'd']);
  });

  it('takes a size by the older flag, in MiB, unless the newer one is there', () => {
    expect(options(['--dapr-http-max-request-size=8']).maxBodySize).toBe(8 * 1024 * 1024);
    const both = ['--dapr-http-max-request-size=8', '--max-body-size=500k'];
    expect(options(both).maxBodySize).toBe(500_000);
  });

  it('reads tokens and namespace from the environment; an empty variable is not set', () => {
    const env = { DAPR_API_TOKEN: 'a', APP_API_TOKEN: 'b', NAMESPACE: '' };
    expect(options([], env)).toMatchObject({
      apiToken: 'a',
      appApiToken: 'b',
      namespace: undefined,
    });
  });

  it('takes booleans with a value and flags with one dash, as Go does', () => {
    expect(options(['-enable-app-health-check=true']).healthCheck.enabled).toBe(true);
    expect(options(['--enable-app-health-check=false']).healthCheck.enabled).toBe(false);
    expect(options(['-app-id', 'x']).appId).toBe('x');
  });

  it('accepts the other flags of daprd, and names them', () => {
    const args = ['--metrics-port', '9091', '--enable-metrics=true', '--config', 'c.yaml'];
    expect(options(args).ignored).toEqual(['config', 'metrics-port', 'enable-metrics']);
  });

  it('asks for help and for the version', () => {
    expect(parseOptions(['--help'], {})).toEqual({ kind: 'help' });
    expect(parseOptions(['-h'], {})).toEqual({ kind: 'help' });
    expect(parseOptions(['--version'], {})).toEqual({ kind: 'version' });
  });

  it('refuses a flag that daprd does not have', () => {
    expect(failure(['--app-prot=1'])).toMatchObject({
      code: 'ERR_OPTION_UNKNOWN',
      message: "Unknown option '--app-prot'; see --help",
    });
    expect(failure(['stray']).code).toBe('ERR_OPTION_UNKNOWN');
  });

  it.each([
    ['--app-port=http', '--app-port must be a port from 0 to 65535, not "http"'],
    ['--dapr-http-port=70000', '--dapr-http-port must be a port from 0 to 65535, not "70000"'],
    [
      '--app-protocol=h2c',
      '--app-protocol must be http or grpc (for others, run daprd), not "h2c"',
    ],
    ['--app-max-concurrency=many', '--app-max-concurrency must be a whole number, not "many"'],
    [
      '--app-health-threshold=0',
      '--app-health-threshold must be a whole number from 1 up, not "0"',
    ],
    ['--app-id=', '--app-id must be a name, not ""'],
    [
      '--dapr-listen-addresses=::1,::2',
      '--dapr-listen-addresses must be one address, not "::1,::2"',
    ],
    ['--log-level=loud', '--log-level must be one of debug, info, warn, error, fatal, not "loud"'],
    ['--enable-app-health-check=x', '--enable-app-health-check must be true or false, not "x"'],
  ])('refuses %s', (arg, message) => {
    expect(failure([arg])).toMatchObject({ code: 'ERR_OPTION_INVALID', message });
  });

  it('refuses a flag without its value', () => {
    expect(failure(['--app-port']).code).toBe('ERR_OPTION_INVALID');
    expect(failure(['--max-body-size=big']).message).toContain('--max-body-size must be a size');
  });

  it('explains every flag that does something', () => {
    expect(renderHelp()).toContain('--resources-path <list>');
    expect(renderHelp()).toContain('Port of the HTTP API; 0 picks a free one (default 3500)');
  });
});
