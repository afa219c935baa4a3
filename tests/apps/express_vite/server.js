import express from 'express';

const app = express();
// Names of built files change with what is in them, so they may be kept for ever.
app.use('/assets', express.static('dist/assets', { immutable: true, maxAge: '1y' }));
app.use(express.static('dist'));
app.get('/api/greeting', (request, response) => {
  response.json({ greeting: process.env.GREETING ?? 'Hello', mode: process.env.NODE_ENV });
});

const server = app.listen(process.env.PORT, '127.0.0.1', () => console.log(`listening on port ${process.env.PORT}`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
