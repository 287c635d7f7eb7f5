// A program with workers that closes without sending its clients away.

import { WebSocketServer } from '../../../build/ws.js';

const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', workers: 2 }, () => {
  if (wss.isPrimary) console.log(`http://127.0.0.1:${wss.address().port}/`);
});
process.on('SIGTERM', () => {
  if (!wss.isPrimary) return;
  console.log('closing');
  wss.close(() => console.log('closed'));
});
