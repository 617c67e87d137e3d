// One process that serves node-oidc-provider on PORT until it is ended.

import { createServer } from 'node:http';

import { makeProvider } from './provider.js';

createServer(makeProvider().callback()).listen(Number(process.env.PORT), '127.0.0.1');
