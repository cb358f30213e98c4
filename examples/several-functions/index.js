// Functions with paths, parameters and methods; what none of them takes is answered 404 or 405.
import { http } from '@ofn/core';

const users = new Map([
  ['1', { id: '1', name: 'Ada' }],
  ['2', { id: '2', name: 'Grace' }],
]);

http('listUsers', { path: '/users', methods: ['GET'] }, (req, res) => {
  res.json([...users.values()]);
});

http('createUser', { path: '/users', methods: ['POST'] }, (req, res) => {
  const user = { id: String(users.size + 1), name: String(req.body?.name) };
  users.set(user.id, user);
  res.status(201).location(`/users/${user.id}`).json(user);
});

http('getUser', { path: '/users/:id', methods: ['GET'] }, (req, res) => {
  const user = users.get(req.params.id);
  if (user === undefined) res.status(404).json({ error: `there is no user ${req.params.id}` });
  else res.json(user);
});
