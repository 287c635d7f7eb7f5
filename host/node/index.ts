// The package `limpet`.

export { Sent as SendStatus, ErrorCode } from '../../build/limpet.abi.js';
export { Core, errorName, LimpetError, type CoreStats } from '../core/core.js';
export type { ServerOptions } from './options.js';
export { Request, UpgradeRequest, type Acceptance, type Answer, type Headers } from './request.js';
export {
  ConnectionError,
  createServer,
  Server,
  type CloseOptions,
  type ServerEvents,
} from './server.js';
export { Socket, type Data, type SendOptions, type SocketStats } from './socket.js';
