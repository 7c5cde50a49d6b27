// Everything of shmq but asio.hpp, which needs Boost.Asio. See stream.hpp for where to begin.
#pragma once

#include "shmq/consumer.hpp"
#include "shmq/entry.hpp"
#include "shmq/fields.hpp"
#include "shmq/finished.hpp"
#include "shmq/latency.hpp"
#include "shmq/options.hpp"
#include "shmq/reader.hpp"
#include "shmq/status.hpp"
#include "shmq/stream.hpp"
#include "shmq/version.hpp"
#include "shmq/wait_many.hpp"
