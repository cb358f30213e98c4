// TypeScript user code, without a build.
import { http, type Request, type Response } from '@ofn/core';

http('hello', (req: Request, res: Response) => res.send(`Hello, ${req.query['name']}!`));
