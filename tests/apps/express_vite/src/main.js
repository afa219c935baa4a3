import './style.css';

async function greet() {
  const response = await fetch('/api/greeting');
  const { greeting } = await response.json();
  document.querySelector('#app').textContent = `${greeting} from ${import.meta.env.VITE_PLACE ?? 'nowhere'}`;
}

greet();
