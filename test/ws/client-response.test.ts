// Answers of servers that are no yes, or a wrong one: what a client says of each.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { within } from '../host/support/wait.js';
import {
  answering,
  both,
  ended,
  http,
  Limpet,
  opened,
  raw,
  response,
  switching,
  told,
  next,
} from './support/client.js';

both('answers that are no upgrade', async (t, WebSocket) => {
  for (const status of [200, 204, 301, 302, 400, 401, 403, 404, 426, 500, 503]) {
    const url = await http(t, (_, answer) => {
      answer.writeHead(status, { location: 'ws://127.0.0.1:1/' }).end();
    });
    const lines = [`error Unexpected server response: ${status}`, 'close 1006'];
    assert.deepEqual(await ended(new WebSocket(url)), lines);
  }
});

both('an answer with a body that does not end', async (t, WebSocket) => {
  const url = await http(t, (_, answer) => {
    answer.writeHead(404).write('and so on');
  });
  const lines = ['error Unexpected server response: 404', 'close 1006'];
  assert.deepEqual(await ended(new WebSocket(url)), lines);
});

const WRONG: [title: string, lines: (accept: string) => string[], message: string][] = [
  [
    'Upgrade names something else',
    (accept) => ['Upgrade: foo', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`],
    'Invalid Upgrade header',
  ],
  [
    'Upgrade names more than websocket',
    (accept) => [
      'Upgrade: websocket, h2c',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${accept}`,
    ],
    'Invalid Upgrade header',
  ],
  [
    'no Sec-WebSocket-Accept',
    () => ['Upgrade: websocket', 'Connection: Upgrade'],
    'Invalid Sec-WebSocket-Accept header',
  ],
  [
    'a wrong Sec-WebSocket-Accept',
    () => [
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: CxYS6+NgJSBG74mdgLvGscRvpns=',
    ],
    'Invalid Sec-WebSocket-Accept header',
  ],
];

for (const [title, lines, message] of WRONG) {
  both(title, async (t, WebSocket) => {
    const url = await answering(t, (accept) =>
      response('101 Switching Protocols', ...lines(accept)),
    );
    const ws = new WebSocket(url);
    assert.deepEqual(await ended(ws), ['upgrade 101', `error ${message}`, 'close 1006']);
  });
}

const NAMED: [asked: string[], answered: string[], outcome: string][] = [
  [[], ['chat'], 'error Server sent a subprotocol but none was requested'],
  [[], [''], 'error Server sent a subprotocol but none was requested'],
  [['one', 'two'], ['three'], 'error Server sent an invalid subprotocol'],
  [['one', 'two'], ['ONE'], 'error Server sent an invalid subprotocol'],
  [['one', 'two'], ['one, two'], 'error Server sent an invalid subprotocol'],
  [['one', 'two'], ['one', 'two'], 'error Server sent an invalid subprotocol'],
  [['one', 'two'], [], 'error Server sent no subprotocol'],
  [['one', 'two'], ['two'], 'open'],
  [['one', 'two'], ['two  '], 'open'],
];

for (const [asked, answered, outcome] of NAMED) {
  both(
    `subprotocols: asked ${asked.join()}, answered ${answered.join('; ')}`,
    async (t, WebSocket) => {
      const url = await answering(t, (accept) =>
        switching(accept, ...answered.map((name) => `Sec-WebSocket-Protocol: ${name}`)),
      );
      const ws = new WebSocket(url, asked);
      const lines = told(ws);
      if (outcome !== 'open') {
        await next(ws, 'close');
        assert.deepEqual(lines, ['upgrade 101', outcome, 'close 1006']);
        return;
      }
      await opened(ws);
      assert.equal(ws.protocol, answered[0].trim());
      ws.terminate();
      await next(ws, 'close');
      assert.deepEqual(lines, ['upgrade 101', 'open', 'close 1006']);
    },
  );
}

const EXTENSIONS: [offered: boolean, answered: string, outcome: string][] = [
  [
    false,
    'permessage-deflate',
    'error Server sent a Sec-WebSocket-Extensions header but no extension was requested',
  ],
  [
    false,
    'foo',
    'error Server sent a Sec-WebSocket-Extensions header but no extension was requested',
  ],
  [true, 'foo', 'error Server indicated an extension that was not requested'],
  [true, 'permessage-foo', 'error Server indicated an extension that was not requested'],
  [true, 'permessage-deflate; foo', 'error Invalid Sec-WebSocket-Extensions header'],
  [
    true,
    'permessage-deflate; server_max_window_bits=7',
    'error Invalid Sec-WebSocket-Extensions header',
  ],
  [true, 'permessage-deflate;', 'error Invalid Sec-WebSocket-Extensions header'],
  [
    true,
    'permessage-deflate; server_no_context_takeover=1',
    'error Invalid Sec-WebSocket-Extensions header',
  ],
  [true, 'permessage-deflate; server_no_context_takeover', 'open'],
];

for (const [offered, answered, outcome] of EXTENSIONS) {
  both(`extensions: offered ${offered}, answered ${answered}`, async (t, WebSocket) => {
    const url = await answering(t, (accept) =>
      switching(accept, `Sec-WebSocket-Extensions: ${answered}`),
    );
    const ws = new WebSocket(url, { perMessageDeflate: offered });
    const lines = told(ws);
    if (outcome === 'open') {
      await opened(ws);
      assert.equal(ws.extensions, 'permessage-deflate');
      ws.terminate();
      return;
    }
    await next(ws, 'close');
    assert.deepEqual(lines, ['upgrade 101', outcome, 'close 1006']);
    assert.equal(ws.readyState, WebSocket.CLOSED);
  });
}

test('RFC 7692: an answer without what was asked for fails', async (t) => {
  const answers: [options: object, answer: string][] = [
    [{ serverNoContextTakeover: true }, 'permessage-deflate'],
    [{ serverMaxWindowBits: 9 }, 'permessage-deflate'],
    [{ serverMaxWindowBits: 9 }, 'permessage-deflate; server_max_window_bits=10'],
    [{ clientMaxWindowBits: 9 }, 'permessage-deflate; client_max_window_bits=10'],
  ];
  for (const [perMessageDeflate, answer] of answers) {
    const url = await answering(t, (accept) =>
      switching(accept, `Sec-WebSocket-Extensions: ${answer}`),
    );
    assert.deepEqual(await ended(new Limpet(url, { perMessageDeflate })), [
      'upgrade 101',
      'error Invalid Sec-WebSocket-Extensions header',
      'close 1006',
    ]);
  }
});

both(
  "'unexpected-response' hands the response over, and the connection with it",
  async (t, WebSocket) => {
    const url = await http(t, (_, answer) => {
      answer.writeHead(401, { 'X-Why': 'no' }).end('who are you?');
    });
    const ws = new WebSocket(url);
    const lines = told(ws);
    const [request, answer] = (await within(once(ws, 'unexpected-response'), 'the response')) as [
      ClientRequest,
      IncomingMessage,
    ];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), 'who are you?');
    assert.deepEqual([answer.statusCode, answer.headers['x-why']], [401, 'no']);
    assert.deepEqual([ws.readyState, lines], [WebSocket.CONNECTING, []]);
    assert.equal(typeof request.abort, 'function');
    ws.terminate();
    await next(ws, 'close');
    assert.deepEqual(lines, [
      'error WebSocket was closed before the connection was established',
      'close 1006',
    ]);
  },
);

both("'upgrade' comes before 'open', with the response's fields", async (t, WebSocket) => {
  const url = await answering(t, (accept) => switching(accept, 'Set-Cookie: a=b', 'X-Test: ž'));
  const ws = new WebSocket(url);
  const lines = told(ws);
  const [answer] = (await within(once(ws, 'upgrade'), 'the response')) as [IncomingMessage];
  assert.deepEqual(answer.headers['set-cookie'], ['a=b']);
  assert.deepEqual(lines, ['upgrade 101', 'open']);
  ws.terminate();
});

both('fields of any length that say nothing of the handshake', async (t, WebSocket) => {
  const url = await answering(t, (accept) =>
    switching(accept, ...Array.from({ length: 50 }, (_, i) => `X-${i}: ${'x'.repeat(1000)}`)),
  );
  const ws = new WebSocket(url, { maxHeaderSize: 100_000 });
  await opened(ws);
  ws.terminate();
});

both('what comes behind the response is not lost', async (t, WebSocket) => {
  const url = await answering(t, (accept) =>
    Buffer.concat([
      Buffer.from(switching(accept)),
      Buffer.from('\x81\x05hello\x81\x05world', 'latin1'),
    ]),
  );
  const ws = new WebSocket(url);
  const lines = told(ws);
  const messages: string[] = [];
  ws.on('message', (data) => {
    messages.push((data as Buffer).toString());
    if (messages.length === 2) ws.terminate();
  });
  await next(ws, 'close');
  assert.deepEqual(messages, ['hello', 'world']);
  assert.deepEqual(lines, ['upgrade 101', 'open', 'message hello', 'message world', 'close 1006']);
});

test('WHATWG: a message has a task of its own, so whoever awaits the opening gets it', async (t) => {
  const url = await answering(t, (accept) =>
    Buffer.concat([Buffer.from(switching(accept)), Buffer.from('\x81\x05hello', 'latin1')]),
  );
  const ws = new Limpet(url);
  await once(ws, 'open');
  const [data] = (await within(once(ws, 'message'), 'the message')) as [Buffer];
  assert.equal(data.toString(), 'hello');
  ws.terminate();
});

test('paused in the open listener: what came behind the response waits', async (t) => {
  const url = await answering(t, (accept) =>
    Buffer.concat([Buffer.from(switching(accept)), Buffer.from('\x81\x05hello', 'latin1')]),
  );
  const ws = new Limpet(url);
  const lines = told(ws);
  ws.on('open', () => {
    ws.pause();
  });
  await once(ws, 'open');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(lines, ['upgrade 101', 'open']);
  ws.resume();
  await within(once(ws, 'message'), 'the message');
  ws.terminate();
});

both('a Close frame behind the response', async (t, WebSocket) => {
  const url = await answering(
    t,
    (accept) => Buffer.concat([Buffer.from(switching(accept)), Buffer.from([0x88, 2, 3, 232])]),
    (socket) => {
      socket.once('data', () => socket.end());
    },
  );
  assert.deepEqual(await ended(new WebSocket(url)), ['upgrade 101', 'open', 'close 1000']);
});

both('101 without Upgrade', async (t, WebSocket) => {
  const url = await raw(t, (socket) => {
    socket.once('data', () => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    });
  });
  const lines = await ended(new WebSocket(url));
  assert.equal(lines.at(-1), 'close 1006');
  assert.match(lines[lines.length - 2], /^error /);
});

both('what is no HTTP', async (t, WebSocket) => {
  const url = await raw(t, (socket) => {
    socket.once('data', () => {
      socket.end('SSH-2.0-OpenSSH_9.2\r\n');
    });
  });
  const [error, close] = await ended(new WebSocket(url));
  assert.match(error, /^error Parse Error/);
  assert.equal(close, 'close 1006');
});

both('the response in single bytes', async (t, WebSocket) => {
  let late: string;
  const url = await answering(
    t,
    (accept) => {
      late = switching(accept);
      return '';
    },
    (socket) => {
      const bytes = [...late];
      const next = () => {
        const byte = bytes.shift();
        if (byte === undefined) socket.write(Buffer.from('\x81\x02hi', 'latin1'));
        else socket.write(byte, () => setImmediate(next));
      };
      next();
    },
  );
  const ws = new WebSocket(url);
  const lines = told(ws);
  ws.on('message', () => {
    ws.terminate();
  });
  await next(ws, 'close');
  assert.deepEqual(lines, ['upgrade 101', 'open', 'message hi', 'close 1006']);
});
