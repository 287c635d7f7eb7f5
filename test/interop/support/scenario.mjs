// What any client of the WHATWG's does → lines. The same code runs in browsers and over undici.

/** Resolves with the next event of that name. */
const next = (ws, name) =>
  new Promise((resolve, reject) => {
    ws.addEventListener(name, resolve, { once: true });
    setTimeout(reject, 10_000, new Error(`no ${name}`));
  });

const sum = (bytes) => bytes.reduce((all, byte) => (all * 31 + byte) >>> 0, 0);

async function echoes(url, WebSocket, say) {
  const ws = new WebSocket(`${url}echo`, ['two', 'one']);
  ws.binaryType = 'arraybuffer';
  await next(ws, 'open');
  say('open', ws.protocol, ws.extensions.split(';')[0], ws.readyState);
  for (const text of ['', 'hello', 'žluť 🐚', 'x'.repeat(70_000), 'limpet '.repeat(200_000)]) {
    const echo = next(ws, 'message');
    ws.send(text);
    const { data } = await echo;
    say('text', data.length, data === text);
  }
  for (const size of [0, 1, 126, 65_536, 3_000_000]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i * 7 + (i >>> 8));
    const echo = next(ws, 'message');
    ws.send(size === 126 ? new Blob([bytes]) : bytes);
    const got = new Uint8Array((await echo).data);
    say('bytes', got.length, sum(got) === sum(bytes));
  }
  ws.binaryType = 'blob';
  const echo = next(ws, 'message');
  ws.send(Uint8Array.of(1, 2, 3));
  say('blob', (await (await echo).data.arrayBuffer()).byteLength);
  let count = 0;
  const all = new Promise((resolve) => {
    ws.addEventListener('message', ({ data }) => {
      if (data !== `message ${count++}`) resolve(`${data} at ${count}`);
      if (count === 1000) resolve('1000 in order');
    });
  });
  for (let i = 0; i < 1000; i++) ws.send(`message ${i}`);
  say(await all);
  const closed = next(ws, 'close');
  ws.close(4000, 'žluť');
  const { code, reason, wasClean } = await closed;
  say('close', code, reason, wasClean);
}

/** The ends that a server makes, by the path. */
async function ends(url, WebSocket, say) {
  for (const path of ['close', 'terminate', 'ping', 'refuse', 'early']) {
    const ws = new WebSocket(url + path);
    ws.addEventListener('open', () => say(path, 'open'));
    ws.addEventListener('message', ({ data }) => say(path, 'message', data));
    ws.addEventListener('error', () => say(path, 'error'));
    const { code, reason, wasClean } = await next(ws, 'close');
    say(path, 'close', code, reason, wasClean);
  }
}

export async function scenario(url, WebSocket) {
  const lines = [];
  const say = (...words) => lines.push(words.join(' '));
  try {
    await echoes(url, WebSocket, say);
    await ends(url, WebSocket, say);
  } catch (error) {
    say(String(error));
  }
  return lines;
}
