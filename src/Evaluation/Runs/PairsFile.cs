using System.Runtime.InteropServices;
using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>
/// The float model's trajectories of the paired images on disk, batch after batch: x_t and the network's output of every
/// step, then the final samples and images. They are written once for a float model and read for each quantized one.
/// </summary>
internal static class PairsFile
{
    /// <summary>Writes batches.</summary>
    public sealed class Writer : IDisposable
    {
        private readonly FileStream stream;
        private readonly BinaryWriter writer;

        /// <summary>Goes on behind the first bytes of a file, or begins one.</summary>
        public Writer(string path, long length)
        {
            stream = File.Open(path, FileMode.OpenOrCreate);
            stream.SetLength(length);
            stream.Position = length;
            writer = new(stream, Encoding.UTF8);
        }

        /// <summary>Puts all that was added on the disk, and says how long the file is now.</summary>
        public long Save()
        {
            writer.Flush();
            stream.Flush(flushToDisk: true);
            return stream.Position;
        }

        public void Add(DenoisingStep step)
        {
            Write(step.Samples);
            // What one call of the network gives, with which one call of the other is compared; with guidance, Output is
            // made of two.
            Write(step.ConditionalOutput);
        }

        /// <summary>Adds what a batch ends with.</summary>
        /// <param name="samples">The last step's next samples: latents where a decoder makes images of them.</param>
        /// <param name="images">The images; null where nothing makes any.</param>
        public void AddEnd(float[] samples, IReadOnlyList<RasterImage>? images)
        {
            Write(samples);
            writer.Write(images?.Count ?? 0);
            foreach (var image in images ?? [])
            {
                writer.Write(image.Width);
                writer.Write(image.Height);
                writer.Write(image.Channels);
                writer.Write(image.Pixels);
            }
        }

        public void Dispose() => writer.Dispose();

        private void Write(float[] numbers)
        {
            writer.Write(numbers.Length);
            writer.Write(MemoryMarshal.AsBytes(numbers.AsSpan()));
        }
    }

    /// <summary>Reads them in the same order.</summary>
    public sealed class Reader(string path) : IDisposable
    {
        private readonly BinaryReader reader = new(new BufferedStream(File.OpenRead(path), 1 << 20), Encoding.UTF8);

        public (float[] Samples, float[] Output) NextStep() => (ReadFloats(), ReadFloats());

        public (float[] Samples, IReadOnlyList<RasterImage> Images) NextEnd()
        {
            var samples = ReadFloats();
            var images = new RasterImage[reader.ReadInt32()];
            for (var i = 0; i < images.Length; i++)
            {
                var (width, height, channels) = (reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
                images[i] = new(width, height, channels, reader.ReadBytes(width * height * channels));
            }

            return (samples, images);
        }

        /// <summary>Goes on behind a batch.</summary>
        public void Skip(int steps)
        {
            const int OfStep = 2;
            const int OfEnd = 1;
            for (var i = 0; i < (OfStep * steps) + OfEnd; i++)
            {
                SkipBytes(reader.ReadInt32() * (long)sizeof(float));
            }

            var images = reader.ReadInt32();
            for (var i = 0; i < images; i++)
            {
                SkipBytes((long)reader.ReadInt32() * reader.ReadInt32() * reader.ReadInt32());
            }
        }

        public void Dispose() => reader.Dispose();

        private void SkipBytes(long count) => reader.BaseStream.Seek(count, SeekOrigin.Current);

        private float[] ReadFloats()
        {
            var numbers = new float[reader.ReadInt32()];
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
            return numbers;
        }
    }
}
