// An Express app is a function as it is: `--target app` picks it.
import express from 'express';

/** @type {import('express').Express} */
export const app = express();

app.use(express.json());
app.use((_req, res, next) => {
  res.set('X-Greeter', 'express');
  next();
});

const greetings = express.Router();
greetings.get('/:name', (req, res) => res.type('text').send(`Hello, ${req.params.name}!\n`));
greetings.post('/', (req, res) => res.status(201).json({ greeting: `Hello, ${req.body.name}!` }));

app.use('/greetings', greetings);
