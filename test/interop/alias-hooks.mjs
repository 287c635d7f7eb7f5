// The hook of alias.mjs for `import`; Node runs it on a thread of its own.

const esm = new URL('../../build/ws.js', import.meta.url).href;

export function resolve(specifier, context, next) {
  return specifier === 'ws' ? { url: esm, shortCircuit: true } : next(specifier, context);
}
