// ES module user code.
import { http } from '@ofn/core';

http('hello', (req, res) => res.send(`Hello, ${req.query.name}!`));
