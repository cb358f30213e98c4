// Names of metrics, as the add-on's scaler spells them.

/** Of an `HTTPScaledObject`: `http-default_002Fhello`. */
export function objectMetricName(namespace: string, name: string): string {
  return `http-${namespace}/${name}`.replaceAll(/[^-.0-9A-Za-z]/gu, (char) => {
    return `_${Buffer.from(char).toString('hex').toUpperCase().padStart(4, '0')}`;
  });
}

/** Of an `InterceptorRoute`: `http_hello_concurrency`, `http_hello_rate`. */
export function routeMetricName(name: string, kind: 'concurrency' | 'requestRate'): string {
  return `http_${name}_${kind === 'concurrency' ? 'concurrency' : 'rate'}`;
}
